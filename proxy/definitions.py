"""What each upstream claims its tools to be, learned from lists that pass, for each tenant and agent apart."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

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


class _Scope:
    __slots__ = ("bytes", "defined", "differing", "doubled", "failed_at", "lock", "pinning", "tools")

    def __init__(self) -> None:
        self.tools: dict[str, Mapping[str, Any]] = {}
        self.defined: dict[str, Definition] = {}
        self.doubled: set[str] = set()
        self.pinning: Pinning | None = None
        self.differing: tuple[str, ...] = ()
        self.lock = asyncio.Lock()
        self.failed_at: float | None = None
        self.bytes = 0

    def forget(self) -> None:
        """Know no tool any more."""
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

    def learn(self, caller: Caller, upstream: str, items: Iterable[Any], size: int = 0) -> None:
        """Remember the tools of one page of a list; a tool named anew replaces what was known of it.

        `size` is what the page took in bytes: beyond MAX_BYTES of pages, what was known before is forgotten.
        """
        scope = self._scope(caller, upstream)
        if scope.bytes + size > MAX_BYTES:
            scope.forget()
        scope.bytes += size
        items = list(items)
        names = [str(item["name"]) for item in items if isinstance(item, dict) and "name" in item]
        if len(set(names)) < len(names):
            scope.doubled |= doubled(names)
        for item in items:
            name = item.get("name") if isinstance(item, dict) else None
            if isinstance(name, str) and (name in scope.tools or len(scope.tools) < MAX_TOOLS):
                scope.tools[name] = item
                scope.defined.pop(name, None)

    def forget(self, caller: Caller, upstream: str) -> None:
        """The upstream says that its list changed."""
        self._scopes.pop((caller.tenant, caller.agent, upstream), None)

    def known(self, caller: Caller, upstream: str, name: str, pinning: Pinning | None = None) -> Definition | None:
        """The definition as far as it was learned, compared to its pins; None if it was not."""
        scope = self._scope(caller, upstream)
        if scope.pinning is not pinning:
            scope.pinning = pinning
            scope.defined.clear()
        found = scope.defined.get(name)
        if found is None and (item := scope.tools.get(name)) is not None:
            found = scope.defined[name] = define(item, pinning, doubled=name in scope.doubled)
        return found

    def news(self, caller: Caller, upstream: str, differing: tuple[str, ...]) -> bool:
        """Whether what differs from the pins is another than was told before; it is remembered."""
        scope = self._scope(caller, upstream)
        before, scope.differing = scope.differing, differing
        return before != differing

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
        async with scope.lock:
            if name not in scope.tools and self._may_try(scope):
                await self._fetch(scope, caller, upstream, fetch)
        return self.known(caller, upstream, name, pinning)

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
            scope = self._scopes[key] = _Scope()
            if len(self._scopes) > MAX_SCOPES:
                self._scopes.popitem(last=False)
        else:
            self._scopes.move_to_end(key)
        return scope
