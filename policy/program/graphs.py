"""Builtins on graphs: an object from each node to an array or a set of its neighbours."""

from collections.abc import Mapping
from typing import Any, Final

from policy.program.cost import Metered
from policy.program.running import Budget
from policy.program.values import UNDEFINED, Set, key

_NODE: Final = 100
"""Bytes of a node that is kept; of each node of a path a tenth."""


def reachable(budget: Budget, graph: Any, initial: Any) -> Any:
    """All nodes that are reached from some."""
    if type(graph) is not dict or type(initial) not in (list, Set):
        return UNDEFINED
    found, waiting = Set(), list(initial)
    while waiting:
        node = waiting.pop()
        neighbours = graph.get(key(node), UNDEFINED)
        if neighbours is UNDEFINED or node in found:
            continue
        found.add(node)
        nodes = _nodes(neighbours)
        budget.make(_NODE * (1 + len(nodes)))
        waiting += [each for each in nodes if each not in found]
    return found


def reachable_paths(budget: Budget, graph: Any, initial: Any) -> Any:
    """All paths from some nodes to where they end, or come back."""
    if type(graph) is not dict or type(initial) not in (list, Set):
        return UNDEFINED
    paths = Set()
    for node in initial:
        neighbours = graph.get(key(node), UNDEFINED)
        if neighbours is UNDEFINED:
            continue
        if not (nodes := _nodes(neighbours)):
            paths.add([node])
        waiting = [([node], each) for each in nodes]
        while waiting:
            path, last = waiting.pop()
            budget.make(_NODE + 10 * len(path))
            waiting += _longer(budget, graph, path, last, paths)
    return paths


def _longer(budget: Budget, graph: Any, path: list[Any], last: Any, paths: Set) -> list[tuple[list[Any], Any]]:
    """The path on to a node, with each neighbour of it; what ends there is added to `paths`."""
    neighbours = graph.get(key(last), UNDEFINED)
    if neighbours is UNDEFINED:
        paths.add(path)
        return []
    path = [*path, last]
    nodes = _nodes(neighbours)
    budget.make((_NODE + 10 * len(path)) * len(nodes))
    passed = Set(path)
    if not nodes or any(each in passed for each in nodes):
        paths.add(path)
    return [(path, each) for each in nodes if each not in passed]


def _nodes(neighbours: Any) -> list[Any]:
    return list(neighbours) if type(neighbours) in (list, Set) else []


BUILTINS: Final[Mapping[str, Any]] = {
    "graph.reachable": Metered(reachable),
    "graph.reachable_paths": Metered(reachable_paths),
}
