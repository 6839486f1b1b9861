"""Code that can be read: functions that fit on a screen, modules of one idea."""

import ast
import statistics
from collections.abc import Iterator

from tests.structure.sources import Source, product

FUNCTION_LINES = 60
MEDIAN_FUNCTION_LINES = 13
MODULE_LINES = 400


def _functions(source: Source) -> Iterator[tuple[str, int]]:
    """Each function and its lines, from its name to its end."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{source.path}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_function_is_longer_than_a_screen() -> None:
    long = {name: lines for source in product() for name, lines in _functions(source) if lines > FUNCTION_LINES}
    assert long == {}


def test_the_median_function_is_short() -> None:
    lengths = [lines for source in product() for _, lines in _functions(source)]
    assert statistics.median(lengths) <= MEDIAN_FUNCTION_LINES


def test_no_module_holds_more_than_one_idea() -> None:
    assert {source.path: source.lines for source in product() if source.lines > MODULE_LINES} == {}
