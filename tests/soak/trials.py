"""All trials, in the order of the page."""

from typing import Final

from tests.soak import kills, mixed, open_streams
from tests.soak.trial import Trial

TRIALS: Final = (
    Trial("mixed", "mixed load at two upstreams", mixed.run),
    Trial("streams", "a thousand open streams", open_streams.run),
    Trial("kills", "kill -9 under mixed load", kills.run),
)
