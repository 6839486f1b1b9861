"""A run of the comparison as text: docs/conformance.md between its marks, and as JSON."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from benchmarks.pages import escaped, markdown, written
from tests.conformance.client_suite import SCENARIOS
from tests.conformance.comparing import SERVERS, Compared
from tests.conformance.suite import Difference, Requirements
from tests.matrix.versions import locked
from tests.peers.places import ROOT

PAGE: Final = ROOT / "docs" / "conformance.md"
BEGIN: Final = "<!-- the last run: written by make conformance -->"
END: Final = "<!-- the end of the last run -->"
PACKAGE: Final = "@modelcontextprotocol/conformance"


@dataclass(frozen=True, slots=True)
class Run:
    """The day and versions; servers by name and requirement set, the client's scenarios by name and revision."""

    day: str
    platform: str
    servers: Mapping[tuple[str, Requirements], Compared]
    clients: Mapping[tuple[str, str], Compared]

    def unexplained(self) -> int:
        """Differences that nothing allows."""
        return sum(len(found.unexplained) for found in (*self.servers.values(), *self.clients.values()))


def as_json(run: Run) -> str:
    """Everything but the verdicts that are the same, for programs."""
    servers = [{"server": name, "requirements": of, **_told(found)} for (name, of), found in run.servers.items()]
    clients = [{"scenario": name, "version": of, **_told(found)} for (name, of), found in run.clients.items()]
    told = {"day": run.day, "platform": run.platform, "suite": locked(PACKAGE, "npm")}
    return json.dumps({**told, "servers": servers, "clients": clients}, indent=1) + "\n"


def text(run: Run) -> str:
    """The generated section."""
    head = f"{run.day}: {run.platform}, {PACKAGE} {locked(PACKAGE, 'npm')}.\n\n{run.unexplained()} unexplained."
    columns = ("checks", "succeed directly", "come out otherwise", "unexplained")
    servers = markdown([("server", "requirement set", *columns), *_server_rows(run)], 2)
    clients = markdown([("revision", "scenarios", *columns), *_client_rows(run)], 1)
    parts = (head, "### Servers", servers, "### A client", clients, "### What comes out otherwise", _reasons(run))
    return "\n\n".join(parts) + "\n"


def kept(run: Run) -> None:
    """Writes the section into docs/conformance.md."""
    written(PAGE, BEGIN, END, text(run))


def _told(found: Compared) -> dict[str, Any]:
    otherwise = [{**asdict(each), "reason": found.allowed.get(each)} for each in found.otherwise]
    return {"checks": found.checks, "succeeded": found.succeeded, "otherwise": otherwise}


def _counts(*found: Compared) -> list[str]:
    numbers = ((one.checks, one.succeeded, len(one.otherwise), len(one.unexplained)) for one in found)
    return [f"{sum(column):,}" for column in zip(*numbers, strict=True)]


def _server_rows(run: Run) -> Iterator[list[str]]:
    for (name, requirements), found in run.servers.items():
        server = SERVERS[name]
        yield [f"{server.told}, {server.package} {locked(server.package, server.lock)}", requirements, *_counts(found)]


def _client_rows(run: Run) -> Iterator[list[str]]:
    for version in SCENARIOS:
        found = [one for (_, of), one in run.clients.items() if of == version]
        if found:
            yield [version, str(len(found)), *_counts(*found)]


def _reasons(run: Run) -> str:
    rows = dict[tuple[str, ...], list[str]]()
    for (name, requirements), found in run.servers.items():
        for each in found.otherwise:
            _gather(rows, each, found, f"{SERVERS[name].told} at {requirements}")
    for (scenario, version), found in run.clients.items():
        for each in found.otherwise:
            _gather(rows, each, found, f"client, `{scenario}` at {version}")
    if not rows:
        return "Nothing."
    told = ([*key[:3], "; ".join(who), key[3]] for key, who in rows.items())
    return markdown([("check", "directly", "through", "where", "because"), *told], 5)


def _gather(rows: dict[tuple[str, ...], list[str]], each: Difference, found: Compared, who: str) -> None:
    """One row for what is the same check, verdicts and reason, wherever it is met."""
    ways = (", ".join(way) or "not asked" for way in (each.direct, each.through))
    reason = found.allowed.get(each)
    key = (f"`{each.check}`", *ways, "**unexplained**" if reason is None else escaped(reason))
    rows.setdefault(key, []).append(who)
