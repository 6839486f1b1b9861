"""`agentgate policy allow|deny|list|denied|check`: what operators do with grants, as functions on a state folder."""

import fcntl
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

from evidence.printable import printable
from evidence.record import Kind
from evidence.tailing import FolderTail, Unreadable
from policy.activation import PolicySource
from policy.bundle_server import BundleServer
from policy.embedded import EmbeddedEngine
from policy.engine import Policy, PolicyRefused
from policy.following import Following
from policy.grant_file import read_grants, write_grants
from policy.grants import Grant, as_mapping, read_grant, with_grant
from policy.keeping import Keeping
from policy.trust import Trust

GRANTS: Final = "grants.json"

_TRUE: Final = 0
_NOT_TRUE: Final = 1


def run_grant(state: Path, grant: Grant, out: TextIO) -> int:
    """`policy allow` and `policy deny`: write the grant; running sidecars take it up. Raises PolicyRefused."""
    path = state / GRANTS
    with _locked(state):
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
    """`policy check`: load and vet a policy as the embedded engine would, without activating it anywhere."""
    try:
        policy = await loaded(spec, state, trusted, trust, server)
        await vet(policy)
    except PolicyRefused as error:
        out.write("".join(f"{problem}\n" for problem in error.problems))
        return _NOT_TRUE
    out.write(f"{policy.name}: {policy.revision}, {len(policy.modules)} modules\n")
    return _TRUE


async def loaded(
    spec: str, state: Path, trusted: Iterable[str], trust: Trust | None, server: BundleServer | None
) -> Policy:
    """The policy as a sidecar would read it; what a server gives leaves nothing behind. Raises PolicyRefused."""
    keeping = Keeping(state, spec)
    if server is None:
        return PolicySource(spec, state / GRANTS, trusted, trust=trust, keeping=keeping).load()
    with tempfile.TemporaryDirectory(prefix="agentgate-check-") as folder:
        served = Following(server, Path(folder, "bundle.tar.gz"))
        source = PolicySource(spec, state / GRANTS, trusted, trust=trust, keeping=keeping, served=served)
        await source.fetch()
        return source.load()


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


@contextmanager
def _locked(state: Path) -> Iterator[None]:
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(state / ".grants.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
