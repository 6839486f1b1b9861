"""All trials, in the order of the page."""

from typing import Final

from tests.soak import clocks, disks, kills, ledger_kills, mixed, open_streams, sessions, starts, starved, upstreams
from tests.soak.trial import Trial

TRIALS: Final = (
    Trial("mixed", "mixed load at two upstreams", mixed.run),
    Trial("sessions", "sessions opened and dropped", sessions.run),
    Trial("streams", "a thousand open streams", open_streams.run),
    Trial("starts", "wrap and its trees of children, started and ended", starts.run),
    Trial("kills", "kill -9 under mixed load", kills.run),
    Trial("embedded", "kill -9 of sidecar and central under load", ledger_kills.in_sqlite),
    Trial("ledger", "kill -9 of sidecar, central and PostgreSQL under load", ledger_kills.in_postgresql),
    Trial("disks", "disks that are full, fail, or are read only", disks.run),
    Trial("clocks", "a wall clock that jumps", clocks.run),
    Trial("descriptors", "descriptors that run out", starved.run),
    Trial("upstreams", "upstreams that hang, reset, trickle and never end", upstreams.run),
)
