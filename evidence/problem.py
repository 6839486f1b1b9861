"""One thing that is wrong with what somebody has written: where, what, and what to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. `where` is a flag, or a file with a key; `remedy` is a sentence that says what to write."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n    {self.remedy}"
