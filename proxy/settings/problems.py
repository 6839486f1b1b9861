"""What is wrong with a configuration: every problem at once, each with where, what and what to do.

ConfigProblems    the configuration cannot be used; carries all problems
Unfit             one value cannot be used; whoever reads the value knows where it stands
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from evidence.problem import Problem

P = ParamSpec("P")
T = TypeVar("T")


class ConfigProblems(Exception):
    """A configuration that cannot be used; the text holds all problems, two lines each."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{count} in the configuration\n" + "\n".join(map(str, problems)))
        self.problems = problems


class Unfit(Exception):
    """A value that cannot be used: what is wrong with it, and what to write instead. Never quotes a secret."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class Findings:
    """Collects problems while a configuration is read, so that no step has to stop at the first."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, where: str, what: str, remedy: str) -> None:
        """Note one problem and go on."""
        self._found.append(Problem(where, what, remedy))

    def take(self, where: str, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What `read` returns; if it raises Unfit, that is a problem at `where`, and there is no value."""
        try:
            return read(*args, **kwargs)
        except Unfit as unfit:
            self.add(where, unfit.what, unfit.remedy)
            return None

    def settle(self) -> None:
        """Raise ConfigProblems if anything was found."""
        if self._found:
            raise ConfigProblems(tuple(self._found))
