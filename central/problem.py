"""What is wrong with what an operator has written: every problem at once, each with where, what, and what to do."""

from collections.abc import Sequence

from evidence.problem import Problem


class Unfit(ValueError):
    """A file that cannot be used; the text has all that is wrong with it, and so has `problems`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class Findings:
    """Collects problems while something is read, so that no step has to stop at the first."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, where: str, what: str, remedy: str) -> None:
        """Note one problem and go on."""
        self.problems.append(Problem(where, what, remedy))

    def told_of(self, where: str) -> bool:
        """Whether something was found there, or below: what follows from it is no problem of its own."""
        return any(each.where == where or each.where.startswith(f"{where}.") for each in self.problems)
