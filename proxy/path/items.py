"""Items: what policy is told of the items of one list, as far as the active policy reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policy.findings.inspecting import Inspector
from policy.findings.names import Surroundings
from policy.pins import Comparison, Pinning, digest
from policy.reads import Reads
from proxy.definitions import annotations_of

Told = tuple[str, dict[str, Any]]
"""The name of an item, and what policy is told of it."""

_COSTLY = ("digest", "findings")
"""Members of a definition that are made only for a policy that reads them."""


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a list by their member `name`, and what stands around them."""

    items: list[Any]
    name: str
    inspector: Inspector
    around: Surroundings

    def told(self, reads: Reads, compared: Comparison | None) -> list[Told | None]:
        """Every item as `reads` narrows it; None for what has no name, or no definition where policy wants one."""
        within = reads.of("items")
        wanted = wanted_of(reads)
        stated = [self._stated(item, compared, wanted) for item in self.items]
        narrowed = iter(within.narrowed([one for one in stated if one is not None]))
        return [None if one is None else (one["name"], next(narrowed)) for one in stated]

    def part(self, begin: int, end: int) -> "Items":
        """Some of them, with the same around them."""
        return Items(self.items[begin:end], self.name, self.inspector, self.around)

    def odd(self) -> dict[str, tuple[str, ...]]:
        """The findings about each item that has any, by its name."""
        found: dict[str, tuple[str, ...]] = {}
        for item in self.items:
            if isinstance(item, dict) and isinstance(name := item.get(self.name), str):
                try:
                    codes = self.inspector.findings(item, self.around)
                except ValueError:
                    continue
                if codes:
                    found[name] = codes
        return found

    def _stated(self, item: Any, compared: Comparison | None, wanted: frozenset[str]) -> dict[str, Any] | None:
        if not isinstance(item, dict) or not isinstance(named := item.get(self.name), str):
            return None
        kind = "unpinned" if compared is None else compared[named]
        if kind is None:
            return None
        definition: dict[str, Any] = {"pinned": kind, "annotations": annotations_of(item)}
        if wanted:
            try:
                definition |= self._costly(item, wanted)
            except ValueError:
                return None
        return {"name": named, "definition": definition}

    def _costly(self, item: Mapping[str, Any], wanted: frozenset[str]) -> dict[str, Any]:
        """Raises ValueError for what has no canonical form."""
        found = digest(item)
        if "findings" not in wanted:
            return {"digest": found}
        return {"digest": found, "findings": self.inspector.findings(item, self.around, found)}


def wanted_of(reads: Reads) -> frozenset[str]:
    """Which of the costly members a policy reads of the items of a list."""
    sample = {"name": "", "definition": dict.fromkeys(_COSTLY, "")}
    (value,) = reads.of("items").narrowed([sample])
    return frozenset(value.get("definition", ())) & frozenset(_COSTLY)


@dataclass(frozen=True, slots=True)
class Judged:
    """Items, and what policy is told of each if it reads what `reads` says and has these pins."""

    items: Items
    reads: Reads
    pinning: Pinning | None
    told: list[Told | None]

    def chunk(self, begin: int, end: int, reads: Reads, pinning: Pinning | None) -> list[Told | None]:
        """Some of them for the policy that reads `reads` and has these pins: it may be another one by now."""
        if reads is self.reads and pinning is self.pinning:
            return self.told[begin:end]
        compared = None if pinning is None else pinning.compared(self.items.items)
        return self.items.part(begin, end).told(reads, compared)
