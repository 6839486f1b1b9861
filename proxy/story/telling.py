"""How the demo speaks: who does what, what came of it, and each claim with whether it holds."""

import textwrap
from typing import Final, Literal, TextIO

Actor = Literal["agent", "operator", "auditor"]

_COLUMN: Final = 12
_SHOWN_COLUMNS: Final = 108
_SHOWN_LINES: Final = 5
_COLOURS: Final = {
    "agent": "36",
    "operator": "35",
    "auditor": "34",
    "good": "32",
    "bad": "31;1",
    "dim": "2",
    "bold": "1",
}


class NotAsSaid(Exception):
    """A step of the demo did not do what it says; the text is the claim that does not hold."""


class Telling:
    """Writes the story to `out`, in colour if that is wanted, and counts the claims that held."""

    def __init__(self, out: TextIO, *, colour: bool) -> None:
        self._out = out
        self._colour = colour
        self._unicode = (getattr(out, "encoding", None) or "").lower().replace("-", "") == "utf8"
        self.claims = 0

    def title(self, text: str) -> None:
        """The first line, or a line by itself."""
        self._line(self._in("bold", text))

    def plain(self, text: str = "") -> None:
        """A line as it is."""
        self._line(text)

    def step(self, number: int, title: str) -> None:
        """The heading of a step."""
        self._line()
        self._line(self._in("bold", f"{number}  {title}"))

    def does(self, actor: Actor, what: str) -> None:
        """Somebody acts."""
        self._line(f"   {self._in(actor, actor.ljust(_COLUMN - 3))}{what}")

    def sees(self, text: str) -> None:
        """What came back, shortened to a few lines."""
        lines = [line for line in text.splitlines() if line.strip()]
        for line in lines[:_SHOWN_LINES]:
            for shown in textwrap.wrap(line, _SHOWN_COLUMNS - _COLUMN) or [""]:
                self._line(self._in("dim", f"{'':{_COLUMN}}{shown}"))
        if len(lines) > _SHOWN_LINES:
            self._line(self._in("dim", f"{'':{_COLUMN}}({len(lines) - _SHOWN_LINES} more lines)"))

    def holds(self, claim: str, truth: bool) -> None:  # noqa: FBT001  (a claim and whether it is true)
        """State a claim. Raises NotAsSaid if it is not true."""
        yes, no = ("\u2713", "\u2717") if self._unicode else ("ok", "no")
        mark = self._in("good", yes) if truth else self._in("bad", no)
        self._line(f"   {mark}{'':{_COLUMN - 3 - len(yes)}}{claim}")
        if not truth:
            raise NotAsSaid(claim)
        self.claims += 1

    def failed(self, text: str) -> None:
        """The story ends early."""
        self._line(self._in("bad", text))

    def _in(self, name: str, text: str) -> str:
        return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m" if self._colour else text

    def _line(self, text: str = "") -> None:
        self._out.write(f"{text}\n")
        self._out.flush()
