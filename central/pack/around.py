"""The time that an incident is about: what led to it, and what came of it."""

from datetime import datetime, timedelta
from typing import Final

from central.ledger.reading import Reading, Wanted
from evidence.record import read_header

_AROUND: Final = timedelta(minutes=1)


class NoSuchIncident(LookupError):
    """There is no incident of this number, or not the record that it was met at; the text says which."""


def around(reading: Reading, number: int) -> tuple[str, str]:
    """A minute before and a minute after the record that an incident was met at.

    Raises NoSuchIncident, LedgerUnavailable.
    """
    incident = next((one for one in reading.incidents(after=number - 1, limit=1) if one.no == number), None)
    if incident is None:
        raise NoSuchIncident(f"there is no incident {number} of this tenant")
    held = reading.records(Wanted(chain=incident.chain, first=incident.seq, last=incident.seq)).records
    if not held:
        raise NoSuchIncident(f"the ledger does not hold record {incident.seq}, where incident {number} was met")
    moment = datetime.fromisoformat(read_header(held[0].header).at)
    return (moment - _AROUND).isoformat(), (moment + _AROUND).isoformat()
