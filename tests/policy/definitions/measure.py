"""How often findings are right (precision) and how many there should be are found (recall), for each code."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from policy.findings.inspecting import Inspector
from policy.findings.names import Surroundings
from policy.findings.patterns import CODES, VERSION
from tests.policy.definitions.corpus import ODD, PLAIN, Row


class Measured(NamedTuple):
    """Counts over a corpus for one code; and the definitions that were missed or found wrongly."""

    right: int
    wrong: tuple[str, ...]
    missed: tuple[str, ...]

    @property
    def precision(self) -> float:
        """The share of findings that are true; 1 where there are none."""
        return self.right / (self.right + len(self.wrong)) if self.right or self.wrong else 1.0

    @property
    def recall(self) -> float:
        """The share of what is true that was found; 1 where nothing is."""
        return self.right / (self.right + len(self.missed)) if self.right or self.missed else 1.0


def found(row: Row) -> frozenset[str]:
    """The findings of a row's definition."""
    return frozenset(Inspector().findings(row.item, Surroundings(row.listed, row.elsewhere)))


def measured(rows: Mapping[str, Row]) -> dict[str, Measured]:
    """For each code, and for `any`: whether there is a finding at all where there should be one."""
    seen = {name: (row.true, found(row)) for name, row in rows.items()}
    each = {code: _of([(name, code in true, code in has) for name, (true, has) in seen.items()]) for code in CODES}
    return {**each, "any": _of([(name, bool(true), bool(has)) for name, (true, has) in seen.items()])}


def _of(judged: Iterable[tuple[str, bool, bool]]) -> Measured:
    kinds = [(name, true, has) for name, true, has in judged]
    return Measured(
        right=Counter(true and has for _, true, has in kinds)[True],
        wrong=tuple(name for name, true, has in kinds if has and not true),
        missed=tuple(name for name, true, has in kinds if true and not has),
    )


def table() -> Iterator[str]:
    """The lines of a report on the whole corpus."""
    yield f"patterns {VERSION}: {len(ODD)} odd definitions, {len(PLAIN)} plain ones"
    yield f"{'code':17} {'found':>5} {'wrong':>5} {'missed':>6} {'precision':>9} {'recall':>6}"
    for code, one in measured({**ODD, **PLAIN}).items():
        yield (f"{code:17} {one.right:5} {len(one.wrong):5} {len(one.missed):6} {one.precision:9.2f} {one.recall:6.2f}")
        yield from (f"    wrong: {name}" for name in one.wrong)
        yield from (f"    missed: {name}" for name in one.missed)
