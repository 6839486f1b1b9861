"""The admin listener: /livez, /readyz, /metrics, and nothing that changes anything.

A page in a browser must not read it through a name of its own (DNS rebinding): Host has to be an IP address,
`localhost` or a configured name, since only other names can be made to point here; Origin has to be absent.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from policy.vocabulary import Isolation
from proxy.metrics import CONTENT_TYPE, Metrics

_AUTHORITY: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Readiness:
    """What /readyz says. Ready means: no problems. `notes` are worth a look, but stop nothing."""

    problems: tuple[str, ...]
    isolation: Isolation
    policy: Mapping[str, Any] | None
    reason: str = ""
    notes: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> bytes:
        """One JSON object: ready, problems, notes, isolation, isolation_reason, policy, and what `more` has."""
        return orjson.dumps(
            {
                "ready": not self.problems,
                "problems": self.problems,
                "notes": self.notes,
                "isolation": self.isolation,
                "isolation_reason": self.reason,
                "policy": self.policy,
                **self.more,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )


def admin_app(
    readiness: Callable[[], Readiness], metrics: Metrics, *, names: frozenset[str] = frozenset()
) -> web.Application:
    """The application. `readiness` is asked at each /readyz; `names` are further values of Host, without port."""
    app = web.Application(middlewares=[_hosts_only(names)])
    app.router.add_get("/livez", _alive)
    app.router.add_get("/readyz", _ready(readiness))
    app.router.add_get("/metrics", _metrics(metrics))
    return app


async def _alive(_: web.Request) -> web.StreamResponse:
    return web.Response(text="alive\n")


def _ready(readiness: Callable[[], Readiness]) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        found = readiness()
        return web.Response(
            status=503 if found.problems else 200, body=found.as_json(), content_type="application/json"
        )

    return answer


def _metrics(metrics: Metrics) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=metrics.text(), headers={hdrs.CONTENT_TYPE: CONTENT_TYPE})

    return answer


def _hosts_only(names: frozenset[str]) -> Any:
    served = frozenset(name.lower() for name in names)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.getall(hdrs.HOST, [])
        if len(given) != 1 or not _is_served(given[0], served):
            return web.Response(status=403, text="this name is not served here\n")
        if hdrs.ORIGIN in request.headers:
            return web.Response(status=403, text="pages of a browser are not served here\n")
        return await handler(request)

    return check


def _is_served(host: str, served: frozenset[str]) -> bool:
    named = _AUTHORITY.fullmatch(host.lower())
    if named is None:
        return False
    name = named["name"]
    return name == "localhost" or name in served or _is_ip_address(name)


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
