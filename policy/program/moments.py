"""Builtins on moments (nanoseconds since 1970, in 64 bits) in UTC or a zone that the machine knows.

None asks what time it is: that is in the input.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from policy.program.durations import nanoseconds
from policy.program.running import whole
from policy.program.values import UNDEFINED, Inexact

SECOND: Final = 1_000_000_000
LONGEST_NAME: Final = 64
"""Characters of a zone's name; those that are known have half as many."""

MOST_YEARS: Final = 10_000
"""Nothing further away than this is added to a date: no moment lies there."""

_MOMENTS: Final = range(-(1 << 63), 1 << 63)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KNOWN_YEARS: Final = range(1900, 2200)
"""Before, and long after, zones are a matter of opinion."""

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([-+])(\d\d):(\d\d))", re.ASCII
)
_ALMOST: Final = re.compile(r"\d{4}-\d", re.ASCII)


def parsed(text: Any) -> Any:
    """The moment that RFC 3339 spells so."""
    if type(text) is not str:
        return UNDEFINED
    found = _RFC3339.fullmatch(text)
    if found is None:
        if _ALMOST.match(text):
            raise Inexact("a time that is spelled almost as RFC 3339 wants it")
        return UNDEFINED
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    east = [int(part or 0) for part in found.group(9, 10)]
    if year == 0 or month > 12 or hour > 23 or minute > 59 or second > 59 or east[0] > 24 or east[1] > 60:
        return UNDEFINED
    try:
        days = date(year, month, day).toordinal() - _EPOCH.toordinal()
    except ValueError:
        return UNDEFINED
    away = (east[0] * 60 + east[1]) * 60 * (-1 if found[8] == "-" else 1)
    seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - away
    return _moment(seconds * SECOND + int((found[7] or "")[:9].ljust(9, "0")))


def day_of(given: Any) -> Any:
    """Year, month and day."""
    return _seen(given, lambda local: [local.year, local.month, local.day])


def clock_of(given: Any) -> Any:
    """Hour, minute and second."""
    return _seen(given, lambda local: [local.hour, local.minute, local.second])


def weekday_of(given: Any) -> Any:
    """The day's English name."""
    return _seen(given, lambda local: _DAYS[local.weekday()])


def added(given: Any, years: Any, months: Any, days: Any) -> Any:
    """The moment at the same time of another day; the 31st of a month of 30 days is the first of the next."""
    if not (whole(years) and whole(months) and whole(days)):
        return UNDEFINED
    if (read := _read(given)) is UNDEFINED:
        return UNDEFINED
    moment, zone = read
    if abs(years) + abs(months) // 12 + abs(days) // 365 > MOST_YEARS:
        raise Inexact("a date so far away")
    local = _local(moment, zone)
    carried, month = divmod(local.month - 1 + months, 12)
    year = local.year + years + carried
    day = _ordinal(year, month + 1) + local.day - 1 + days - _EPOCH.toordinal()
    as_utc = day * 86_400 + local.hour * 3_600 + local.minute * 60 + local.second
    if not -(1 << 34) < as_utc < 1 << 34:
        return UNDEFINED
    seconds = as_utc - _east(as_utc - _east(as_utc, zone), zone)
    return _moment(seconds * SECOND + moment % SECOND)


def _seen(given: Any, function: Callable[[datetime], Any]) -> Any:
    read = _read(given)
    return UNDEFINED if read is UNDEFINED else function(_local(*read))


def _read(given: Any) -> Any:
    """The moment and its zone, out of a number or an array of both."""
    parts = given if type(given) is list else [given]
    if not parts or type(parts[0]) is bool or not whole(parts[0]):
        return UNDEFINED
    if len(parts) > 2 or parts[0] not in _MOMENTS:
        return UNDEFINED if len(parts) < 3 or type(parts[2]) is not str else _read(parts[:2])
    if len(parts) == 1:
        return parts[0], UTC
    return (parts[0], _zone(parts[1])) if type(parts[1]) is str else UNDEFINED


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    if name in ("", "UTC"):
        return UTC
    try:
        found = None if name == "Local" or len(name) > LONGEST_NAME else ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        found = None
    if found is None:
        raise Inexact("a time zone that is not known here")
    return found


def _local(moment: int, zone: tzinfo) -> datetime:
    at = _EPOCH + timedelta(seconds=moment // SECOND)
    if zone is not UTC and at.year not in _KNOWN_YEARS:
        raise Inexact("a time zone in another age")
    return at.astimezone(zone)


def _east(seconds: int, zone: tzinfo) -> int:
    """How many seconds a zone is ahead of UTC then."""
    if zone is UTC:
        return 0
    found = _local(seconds * SECOND, zone).utcoffset()
    return 0 if found is None else int(found.total_seconds())


def _ordinal(year: int, month: int) -> int:
    """The first day of a month of any year: the calendar repeats after 400 years of 146,097 days."""
    cycles, within = divmod(year - 1, 400)
    return cycles * 146_097 + date(within + 1, month, 1).toordinal()


def _moment(nanoseconds: int) -> Any:
    return nanoseconds if nanoseconds in _MOMENTS else UNDEFINED


BUILTINS: Final[Mapping[str, Any]] = {
    "time.add_date": added,
    "time.clock": clock_of,
    "time.date": day_of,
    "time.parse_duration_ns": nanoseconds,
    "time.parse_rfc3339_ns": parsed,
    "time.weekday": weekday_of,
}
