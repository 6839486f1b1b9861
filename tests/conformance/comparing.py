"""The MCP conformance suite directly and through a sidecar, and what comes out otherwise: servers, and a client.

The policy is `observe`: it decides every call and hides nothing; evidence is on.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tests.conformance import client_suite
from tests.conformance.suite import REQUIREMENTS, Check, Difference, Requirements, allowed, differences, run
from tests.peers import servers
from tests.peers.servers import HttpServer
from tests.peers.sidecar import sidecar
from tests.peers.tasks.starting import tasks


@dataclass(frozen=True, slots=True)
class Server:
    """A server to compare: what it is, its package, the lock of that (see `tests.matrix.versions`), how it starts.

    `requirements` are the sets that it is there for.
    """

    told: str
    package: str
    lock: str
    start: Callable[[Path], AbstractContextManager[HttpServer]]
    requirements: tuple[Requirements, ...] = REQUIREMENTS


SERVERS: Final[Mapping[str, Server]] = {
    "own": Server("own everything-server, streams", "mcp", "dev", partial(servers.everything, style="http")),
    "own-json": Server(
        "own everything-server, JSON documents", "mcp", "dev", partial(servers.everything, style="json")
    ),
    "npm-everything": Server(
        "server-everything", "@modelcontextprotocol/server-everything", "npm", servers.npm_everything
    ),
    "typescript": Server(
        "own server on the TypeScript SDK", "@modelcontextprotocol/server", "npm", servers.typescript_everything
    ),
    "python-1.30.0": Server("own server on the older Python SDK", "mcp", "mcp130", servers.old_everything),
    "tasks": Server("own everything-server with tasks", "mcp", "dev", tasks, ("2026-07-28",)),
}
"""By the names that allowed.toml uses. The suite asks for tasks at 2026-07-28 only."""

ROWS: Final = [(name, of) for name, server in SERVERS.items() for of in server.requirements]
"""Each server with each requirement set that it is compared by."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A run of checks both ways: what came out otherwise, and what of that is allowed, each with its reason."""

    direct: Counter[Check]
    through: Counter[Check]
    allowed: Mapping[Difference, str]

    @property
    def checks(self) -> int:
        """Verdicts given directly."""
        return self.direct.total()

    @property
    def succeeded(self) -> int:
        """Checks that succeed directly."""
        return sum(count for check, count in self.direct.items() if check.status == "SUCCESS")

    @property
    def otherwise(self) -> list[Difference]:
        """What came out otherwise through the sidecar, sorted."""
        return differences(self.direct, self.through)

    @property
    def unexplained(self) -> list[Difference]:
        """What of that nothing allows."""
        return [difference for difference in self.otherwise if difference not in self.allowed]


def compared_server(name: str, requirements: Requirements, folder: Path) -> Compared:
    """One server and requirement set. Raises SuiteFailed."""
    gate = folder / "sidecar"
    gate.mkdir()
    with SERVERS[name].start(folder) as server, sidecar(gate, {"everything": server}) as through:
        direct = run(server.url, requirements, folder / "direct")
        return Compared(
            direct, run(through.url("everything"), requirements, folder / "through"), allowed(name, requirements)
        )


def compared_client(scenario: str, version: str, folder: Path) -> Compared:
    """One scenario of a client, with Authorization passed on. Raises SuiteFailed."""
    ways = {"direct": client_suite.DIRECT, "through": client_suite.THROUGH}
    direct, through = (client_suite.run_scenario(scenario, version, way, folder / name) for name, way in ways.items())
    return Compared(direct, through, client_suite.allowed(scenario, version))
