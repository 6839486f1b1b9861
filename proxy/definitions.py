"""What each upstream claims its tools to be, learned from lists that pass, for each tenant and agent apart."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import structs

from policy.findings.inspecting import Inspector
from policy.findings.names import ALONE, Surroundings
from policy.pins import Pinning, digest, doubled
from policy.vocabulary import Caller, Definition, Pinned

MAX_SCOPES: Final = 1_000
"""(tenant, agent, upstream) triples remembered."""

MAX_TOOLS: Final = 20_000
"""Tools remembered for each of them; a list beyond that is not remembered further."""

MAX_BYTES: Final = 64 << 20
"""Bytes of lists remembered for each of them."""

FETCH_SECONDS: Final = 5.0
"""How long a call waits for the definition of its tool before policy decides without one."""

RETRY_SECONDS: Final = 30.0
"""How long a fetch that failed, or that did not name the tool, is not tried again."""


class NotLoggedIn(Exception):
    """The upstream lists nothing to this caller before it logs in; it may do so a moment later."""


def define(item: Mapping[str, Any], pinning: Pinning | None = None, *, doubled: bool = False) -> Definition:
    """The definition of one tool as its upstream states it: digest over the whole, annotations apart.

    Raises ValueError for what has no canonical form.
    """
    return Definition(digest(item), annotations_of(item), pinned_of(item, pinning, doubled=doubled))


def annotations_of(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the upstream says about the tool beside its schema; empty if that is no object."""
    annotations = item.get("annotations")
    return annotations if isinstance(annotations, dict) else {}


def pinned_of(item: Mapping[str, Any], pinning: Pinning | None, *, doubled: bool = False) -> Pinned:
    """How the tool compares to what was pinned; `doubled` if its list has the name more than once.

    Raises ValueError for what has no canonical form.
    """
    if pinning is None:
        return "unpinned"
    return "duplicate" if doubled else pinning.judge(str(item.get("name")), item)


class _Neighbours:
    """What one caller is told by all of its upstreams; `changes` counts how often the names of tools did."""

    __slots__ = ("changes", "scopes")

    def __init__(self) -> None:
        self.scopes: dict[str, _Scope] = {}
        self.changes = 0


class _Scope:
    __slots__ = (
        "around", "bytes", "changes", "defined", "differing", "doubled", "failed_at", "lock", "looking", "neighbours",
        "odd", "pinning", "tools",
    )  # fmt: skip

    def __init__(self, neighbours: _Neighbours) -> None:
        self.neighbours = neighbours
        self.changes = 0
        self.around = ALONE
        self.odd: Mapping[str, tuple[str, ...]] = {}
        self.tools: dict[str, Mapping[str, Any]] = {}
        self.defined: dict[str, Definition] = {}
        self.doubled: set[str] = set()
        self.pinning: Pinning | None = None
        self.differing: tuple[str, ...] = ()
        self.lock = asyncio.Lock()
        self.looking = asyncio.Lock()
        self.failed_at: float | None = None
        self.bytes = 0

    def forget(self) -> None:
        """Know no tool any more."""
        self.neighbours.changes += 1
        self.tools.clear()
        self.defined.clear()
        self.doubled.clear()
        self.bytes = 0


Fetch = Callable[[], Awaitable[list[Mapping[str, Any]]]]


class Definitions:
    """Remembers tool definitions; asks the upstream itself when a call comes before any list."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._scopes: OrderedDict[tuple[str, str, str], _Scope] = OrderedDict()
        self._neighbours: dict[tuple[str, str], _Neighbours] = {}
        self.inspector = Inspector()

    def learn(self, caller: Caller, upstream: str, items: Iterable[Any], size: int = 0, *, whole: bool = False) -> None:
        """Remember the tools of one page of a list; a tool named anew replaces what was known of it.

        `size` is what the page took in bytes: beyond MAX_BYTES of pages, what was known before is forgotten. What the
        page of a `whole` list does not name is forgotten, too.
        """
        scope = self._scope(caller, upstream)
        items = list(items)
        names = [str(item["name"]) for item in items if isinstance(item, dict) and "name" in item]
        if scope.bytes + size > MAX_BYTES or (whole and not scope.tools.keys() <= set(names)):
            scope.forget()
        scope.bytes = size if whole else scope.bytes + size
        if whole:
            scope.doubled.clear()
        if len(set(names)) < len(names):
            scope.doubled |= doubled(names)
        for item in items:
            name = item.get("name") if isinstance(item, dict) else None
            if isinstance(name, str) and (name in scope.tools or len(scope.tools) < MAX_TOOLS):
                scope.neighbours.changes += name not in scope.tools
                scope.tools[name] = item
                scope.defined.pop(name, None)

    def forget(self, caller: Caller, upstream: str) -> None:
        """The upstream says that its list changed."""
        self._drop((caller.tenant, caller.agent, upstream))

    def known(self, caller: Caller, upstream: str, name: str, pinning: Pinning | None = None) -> Definition | None:
        """The definition as it was looked at, compared to its pins; None if it was not looked at yet: ask `of`."""
        scope = self._scope(caller, upstream)
        if scope.pinning is not pinning or scope.changes != scope.neighbours.changes:
            scope.pinning = pinning
            self._look_around(scope, upstream)
            scope.defined.clear()
        return scope.defined.get(name)

    def around(self, caller: Caller, upstream: str) -> Surroundings:
        """The names of the tools that this caller's upstreams list, this one's and the others'."""
        scope = self._scope(caller, upstream)
        if scope.changes != scope.neighbours.changes:
            self._look_around(scope, upstream)
            scope.defined.clear()
        return scope.around

    def _look_around(self, scope: _Scope, upstream: str) -> None:
        others = [each.tools for name, each in scope.neighbours.scopes.items() if name != upstream]
        scope.changes = scope.neighbours.changes
        scope.around = Surroundings(scope.tools, (name for tools in others for name in tools))

    def news(self, caller: Caller, upstream: str, differing: tuple[str, ...]) -> bool:
        """Whether what differs from the pins is another than was told before; it is remembered."""
        scope = self._scope(caller, upstream)
        before, scope.differing = scope.differing, differing
        return before != differing

    def odd_news(self, caller: Caller, upstream: str, odd: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether the findings about the tools of a list are others than were told before; they are remembered."""
        scope = self._scope(caller, upstream)
        before, scope.odd = scope.odd, odd
        return before != odd

    def stated(self, caller: Caller, upstream: str, name: str) -> Mapping[str, Any] | None:
        """What the upstream states of a tool, as far as it was learned."""
        return self._scope(caller, upstream).tools.get(name)

    def schema(self, caller: Caller, upstream: str, name: str) -> Mapping[str, Any] | None:
        """The input schema of a tool, as far as it was learned."""
        item = self._scope(caller, upstream).tools.get(name, {})
        schema = item.get("inputSchema")
        return schema if isinstance(schema, Mapping) else None

    async def of(
        self, caller: Caller, upstream: str, name: str, fetch: Fetch, pinning: Pinning | None = None
    ) -> Definition | None:
        """The definition, fetched once if it is not known yet; None if the upstream does not name the tool in time.

        `fetch` may raise NotLoggedIn: then the next call asks again.
        """
        found = self.known(caller, upstream, name, pinning)
        if found is not None:
            return found
        scope = self._scope(caller, upstream)
        if name not in scope.tools:
            async with scope.lock:
                if name not in scope.tools and self._may_try(scope):
                    await self._fetch(scope, caller, upstream, fetch)
        async with scope.looking:
            return self.known(caller, upstream, name, pinning) or await self._looked_at(scope, name, pinning)

    async def _looked_at(self, scope: _Scope, name: str, pinning: Pinning | None) -> Definition | None:
        """The definition as it stands now, kept unless another came while it was looked at, on a thread."""
        item = scope.tools.get(name)
        if item is None:
            return None
        changes, doubled = scope.changes, name in scope.doubled
        found = await asyncio.to_thread(self._inspected, item, scope.around, pinning, doubled=doubled)
        if scope.tools.get(name) is item and scope.changes == changes and scope.pinning is pinning:
            scope.defined[name] = found
        return found

    def _inspected(
        self, item: Mapping[str, Any], around: Surroundings, pinning: Pinning | None, *, doubled: bool
    ) -> Definition:
        found = define(item, pinning, doubled=doubled)
        return structs.replace(found, findings=self.inspector.findings(item, around, found.digest))

    def _may_try(self, scope: _Scope) -> bool:
        return scope.failed_at is None or self._monotonic() - scope.failed_at >= RETRY_SECONDS

    async def _fetch(self, scope: _Scope, caller: Caller, upstream: str, fetch: Fetch) -> None:
        scope.failed_at = self._monotonic()
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                self.learn(caller, upstream, await fetch())
        except TimeoutError:
            return
        except NotLoggedIn:
            scope.failed_at = None

    def _scope(self, caller: Caller, upstream: str) -> _Scope:
        key = (caller.tenant, caller.agent, upstream)
        scope = self._scopes.get(key)
        if scope is None:
            neighbours = self._neighbours.setdefault(key[:2], _Neighbours())
            scope = self._scopes[key] = neighbours.scopes[upstream] = _Scope(neighbours)
            if len(self._scopes) > MAX_SCOPES:
                self._drop(next(iter(self._scopes)))
        else:
            self._scopes.move_to_end(key)
        return scope

    def _drop(self, key: tuple[str, str, str]) -> None:
        if self._scopes.pop(key, None) is None:
            return
        neighbours = self._neighbours[key[:2]]
        del neighbours.scopes[key[2]]
        neighbours.changes += 1
        if not neighbours.scopes:
            del self._neighbours[key[:2]]
