"""`agentgate policy allow|deny|list|denied|check`: what operators do with grants, as functions on a state folder."""

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TextIO

from evidence.printable import printable
from evidence.record import Kind
from evidence.tailing import FolderTail, Unreadable
from policy.activation import PolicySource
from policy.bundle_server import BundleServer
from policy.embedded import EmbeddedEngine
from policy.engine import Policy, PolicyAway, PolicyRefused
from policy.following import Following
from policy.grant_file import read_grants, write_grants
from policy.grants import Grant, as_mapping, read_grant, with_grant
from policy.keeping import Keeping, given_at
from policy.locking import locked
from policy.trust import Trust

GRANTS: Final = "grants.json"

_LOCK: Final = ".grants.lock"

_TRUE: Final = 0
_NOT_TRUE: Final = 1


def run_grant(state: Path, grant: Grant, out: TextIO) -> int:
    """`policy allow` and `policy deny`: write the grant; running sidecars take it up. Raises PolicyRefused."""
    path = state / GRANTS
    with locked(state, _LOCK):
        checked = read_grant(as_mapping(grant), "the grant")
        write_grants(path, with_grant(read_grants(path), checked))
    out.write(f"{grant.id}  {_line(grant)}\n")
    return _TRUE


def run_list(state: Path, *, as_json: bool, out: TextIO) -> int:
    """`policy list`: the grants of a state folder. Raises PolicyRefused."""
    grants = read_grants(state / GRANTS)
    for grant in grants:
        shown = json.dumps({"id": grant.id, **as_mapping(grant)}) if as_json else f"{grant.id}  {_line(grant)}"
        out.write(shown + "\n")
    if not grants and not as_json:
        out.write("no grants\n")
    return _TRUE


def run_denied(evidence: Path, *, out: TextIO) -> int:
    """`policy denied`: what policy has refused, or would have where it only observes, the most frequent first."""
    try:
        counted = Counter(_denied(evidence))
    except (Unreadable, OSError) as error:
        out.write(f"agentgate policy denied: {printable(error)}\n")
        return _NOT_TRUE
    for row, count in counted.most_common():
        out.write(f"{count:6}  " + "  ".join(printable(cell) for cell in row) + "\n")
    return _TRUE


async def run_check(
    spec: str,
    state: Path,
    trusted: Iterable[str],
    out: TextIO,
    *,
    trust: Trust | None = None,
    server: BundleServer | None = None,
) -> int:
    """`policy check`: load and vet a policy as the embedded engine would, without activating it anywhere.

    Raises PolicyAway where its server gave nothing.
    """
    try:
        policy = await loaded(spec, state, trusted, trust, server)
        await vet(policy)
    except PolicyAway:
        raise
    except PolicyRefused as error:
        out.write("".join(f"{problem}\n" for problem in error.problems))
        return _NOT_TRUE
    out.write(f"{policy.name}: {policy.revision}, {len(policy.modules)} modules\n")
    return _TRUE


async def loaded(
    spec: str, state: Path, trusted: Iterable[str], trust: Trust | None, server: BundleServer | None
) -> Policy:
    """The policy as a sidecar would read it; what a server gives leaves nothing behind.

    Raises PolicyAway where the server gave nothing, PolicyRefused.
    """
    keeping = Keeping(state, spec)
    if server is None:
        return PolicySource(spec, state / GRANTS, trusted, trust=trust, keeping=keeping).load()
    with tempfile.TemporaryDirectory(prefix="agentgate-check-") as folder:
        served = Following(server, Path(folder, "bundle.tar.gz"))
        source = PolicySource(spec, state / GRANTS, trusted, trust=trust, keeping=keeping, served=served)
        await source.fetch()
        return source.load()


def kept(spec: str, state: Path, trusted: Iterable[str], trust: Trust, server: BundleServer) -> Policy:
    """The policy that a sidecar starts with while its server is away. Raises PolicyAway if there is none."""
    served = Following(server, given_at(state, spec))
    keeping = Keeping(state, spec)
    source = PolicySource(spec, state / GRANTS, trusted, trust=trust, keeping=keeping, served=served)
    return source.load_without_server()


async def vet(policy: Policy) -> None:
    """What the embedded engine looks at before a policy becomes active, without making it so. Raises PolicyRefused."""
    engine = EmbeddedEngine(threads=1)
    try:
        await engine.activate(policy)
    finally:
        await engine.close()


def _line(grant: Grant) -> str:
    whom = f"{grant.tenant}/{grant.agent}"
    rules = "".join(f"  {name}={json.dumps(dict(rule))}" for name, rule in sorted(grant.arguments.items()))
    closed = "  closed" if grant.closed else ""
    return printable(f"{grant.effect:16} {whom:24} {grant.upstream}  {grant.method}  {grant.name}{rules}{closed}")


def _denied(evidence: Path) -> Iterator[tuple[str, ...]]:
    for found in FolderTail(evidence).more():
        if found.record.header.kind not in (Kind.REFUSAL, Kind.INTENT):
            continue
        body = found.record.body
        decision: Mapping[str, Any] = body.get("decision") or {}
        said = decision if found.record.header.kind is Kind.REFUSAL else decision.get("shadow") or {}
        if said.get("effect") in ("deny", "require_approval"):
            caller, request = body["caller"], body["request"]
            name = request.get("name") or "(sealed)"
            whom = f"{caller['tenant']}/{caller['agent']}"
            yield (whom, str(request["upstream"]), str(request["method"]), str(name), str(said.get("reason")))
