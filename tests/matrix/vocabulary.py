"""The words of the compatibility matrix: the steps of a client, and what is said about each of them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

Transport = Literal["streamable HTTP", "HTTP+SSE", "stdio"]
TRANSPORTS: Final[tuple[Transport, ...]] = ("streamable HTTP", "HTTP+SSE", "stdio")

LIST: Final = "list"
CALL: Final = "call"
DENIED: Final = "denied"
HIDDEN: Final = "hidden"
CANCELLED: Final = "cancelled"
PROGRESS: Final = "progress"
SAMPLING: Final = "sampling"
ELICITATION: Final = "elicitation"
RESOURCES: Final = "resources"
PROMPTS: Final = "prompts"
LARGE: Final = "3 MB"
STEPS: Final = (
    LIST, CALL, DENIED, HIDDEN, CANCELLED, PROGRESS, SAMPLING, ELICITATION, RESOURCES, PROMPTS, LARGE,
)  # fmt: skip
STARTER_STEPS: Final = (DENIED, HIDDEN)
"""Steps that have nothing to be compared with: without the sidecar nothing is denied and nothing is hidden."""


class Verdict(StrEnum):
    """What one cell says."""

    SAME = "same"
    SAME_FAILURE = "same failure"
    HELD = "held"
    DIFFERENT = "different"
    ABSENT = "-"


@dataclass(frozen=True, slots=True)
class Cell:
    """A verdict, and why where it is not plain: what fails directly too, what differs, who cannot do the step."""

    verdict: Verdict
    why: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell stands."""

    client: str
    server: str
    transport: Transport
    step: str


@dataclass(frozen=True, slots=True)
class Pairing:
    """All cells of one client at one server: the revision that they agreed on (empty if none), a cell for each step."""

    client: str
    server: str
    transport: Transport
    revision: str
    cells: dict[str, Cell]
