"""How long what was sealed stays readable: rules by tenant, upstream and class. Pure.

    [[retention]]
    tenant = "acme"
    upstream = "mail"
    class = "full"
    days = 30

The first rule counts whose members all fit a record; what no rule fits is kept. A data key is due when the longest of
the durations of what it has sealed is over since central received the last of it.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Final

from msgspec import Meta, Struct, field

from central.erasure.vocabulary import DataKey, Sealed, Unit
from central.ledger.sealings import About

_DAY_US: Final = 86_400 * 1_000_000
_NOTHING: Final = About()

_Text = Annotated[str, Meta(min_length=1)]
_NAME: Final = Meta(description="Write a name as records have it, or leave it out: then all fit.")


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of them. A member that is not given fits everything."""

    days: Annotated[int, Meta(ge=1, le=36_525, description="Write how many days texts stay readable, from 1.")]
    tenant: Annotated[_Text | None, _NAME] = None
    upstream: Annotated[_Text | None, _NAME] = None
    class_name: Annotated[_Text | None, _NAME] = field(default=None, name="class")

    def fits(self, tenant: str, about: About) -> bool:
        """Whether it is for a record of this tenant."""
        asked = ((self.tenant, tenant), (self.upstream, about.upstream), (self.class_name, about.class_name))
        return all(wanted is None or wanted == given for wanted, given in asked)


def due_keys(unit: Unit, rules: Sequence[Rule], now: int) -> tuple[str, ...]:
    """The ids of the unit's data keys whose time is over; `now` is in microseconds since 1970."""
    return tuple(key.id for key in unit.keys if _is_over(key, unit, rules, now))


def late_keys(unit: Unit) -> tuple[str, ...]:
    """Keys of a unit whose erasure was asked for before they came: what they sealed first was made before that."""
    if unit.requested_at is None:
        return ()
    asked = unit.requested_at
    return tuple(key.id for key in unit.keys if min((one.first_at for one in key.sealed), default=asked + 1) <= asked)


def _is_over(key: DataKey, unit: Unit, rules: Sequence[Rule], now: int) -> bool:
    days = _days(_told(key.sealed) or _told(unit.sealed()) or [_NOTHING], unit.tenant, rules)
    last = max([key.received_at, *(sealed.last_received for sealed in key.sealed)])
    return days is not None and last + days * _DAY_US <= now


def _told(sealed: Iterable[Sealed]) -> list[About]:
    """What records say of themselves that say anything."""
    return [one.about for one in sealed if one.about.class_name]


def _days(found: Iterable[About], tenant: str, rules: Sequence[Rule]) -> int | None:
    """The longest; None where one is kept for good."""
    longest = 0
    for about in found:
        rule = next((rule for rule in rules if rule.fits(tenant, about)), None)
        if rule is None:
            return None
        longest = max(longest, rule.days)
    return longest
