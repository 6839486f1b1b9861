"""The purge: goes through all erasure units and destroys the keys whose time is over, so many at once.

It has no state of its own. What is done is done with its tombstone, in one transaction, and is not there any more when
a purge begins anew: one that was killed is gone on with by starting the next one.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from central.erasure.deeds import Deeds, holding
from central.erasure.retention import Rule, due_keys, late_keys
from central.erasure.units import all_units, holds_of
from central.erasure.vocabulary import Asked, Cause, Doomed, Erased, HeldBack, Unit
from central.store.engine import Store

_AT_ONCE: Final = 50
"""Units in one transaction: while it runs, keys that arrive wait."""


@dataclass(slots=True)
class Report:
    """What a purge found and did. With `dry` nothing was done, and `erased` is what would be; `forgotten` counts the
    records of central's own chains that the ledger had lost, and `remains` says where bytes of keys may still be."""

    dry: bool
    units: int = 0
    erased: list[tuple[str, Erased]] = field(default_factory=list)
    held: list[tuple[str, HeldBack]] = field(default_factory=list)
    forgotten: int = 0
    remains: str | None = None

    @property
    def keys(self) -> int:
        """How many data keys are destroyed."""
        return sum(len(one.keys) for _, one in self.erased)


class Purge:
    """One purge by these rules; `now` is in microseconds since 1970."""

    def __init__(self, store: Store, rules: Sequence[Rule], now: int, asked: Asked) -> None:
        self._store, self._rules, self._now, self._asked = store, rules, now, asked

    def run(self, deeds: Deeds) -> Report:
        """Destroy all that is due. Raises LedgerUnavailable, ErasureProblem."""
        report = Report(dry=False, forgotten=deeds.settle())
        for tenant, names in self._found(report):
            for start in range(0, len(names), _AT_ONCE):
                outcome = deeds.erase(tenant, names[start : start + _AT_ONCE], self.choose)
                report.erased += [(tenant, one) for one in outcome.erased]
                report.held += [(tenant, one) for one in outcome.held]
        return report

    def rehearse(self) -> Report:
        """What `run` would do."""
        report = Report(dry=True)
        for units in all_units(self._store):
            report.units += len(units)
            for unit in units:
                self._judge(unit, report)
        return report

    def choose(self, unit: Unit) -> list[Doomed]:
        """What of a unit is to be destroyed."""
        late = late_keys(unit)
        due = tuple(key for key in due_keys(unit, self._rules, self._now) if key not in late)
        found = ((late, Cause.LATE), (due, Cause.RETENTION))
        return [Doomed(unit.name, keys, cause, self._asked) for keys, cause in found if keys]

    def _found(self, report: Report) -> list[tuple[str, list[str]]]:
        """The names of all units of which something is due, by tenant."""
        names: dict[str, list[str]] = defaultdict(list)
        for units in all_units(self._store):
            report.units += len(units)
            for unit in units:
                if self.choose(unit):
                    names[unit.tenant].append(unit.name)
        return sorted(names.items())

    def _judge(self, unit: Unit, report: Report) -> None:
        doomed = self.choose(unit)
        if not doomed:
            return
        with self._store.reading() as connection:
            holds = holding(holds_of(connection, unit.tenant), unit)
        if holds:
            report.held.append((unit.tenant, HeldBack(unit.name, holds)))
            return
        report.erased += [(unit.tenant, Erased(one.unit, one.keys, one.cause, (), unit.sidecars())) for one in doomed]
