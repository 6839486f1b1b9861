"""All targets by name."""

from typing import Final

from tests.fuzz import messages, streams
from tests.fuzz.target import Target

TARGETS: Final[dict[str, Target]] = {
    target.name: target for target in (messages.CLIENT, messages.SERVER, streams.SSE, streams.LINES)
}
