"""Sidecars in front of OAuth-protected servers: their configuration, and where they say that metadata lies."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.peers.sidecar import Sidecar, sidecar

WELL_KNOWN = "/.well-known/oauth-protected-resource"


@contextmanager
def passing(
    folder: Path, upstreams: Mapping[str, str], *, more: str = "", policy: str = "observe"
) -> Iterator[Sidecar]:
    """A sidecar whose upstreams (name to URL) get the client's own Authorization; `more` goes into its file."""
    folder.mkdir(exist_ok=True)
    file = folder / "agentgate.toml"
    rows = [f'[upstreams.{name}]\nurl = "{url}"\nauth = "passthrough"\n' for name, url in upstreams.items()]
    file.write_text("".join([*rows, more]), encoding="utf-8")
    with sidecar(folder, {}, policy=policy, more=["-c", str(file)]) as started:
        yield started


def origin(gate: Sidecar) -> str:
    """Where the sidecar listens."""
    return f"http://127.0.0.1:{gate.port}"


def metadata(gate: Sidecar, path: str = "") -> str:
    """The URL of the document for one of its paths."""
    return f"{origin(gate)}{WELL_KNOWN}{path}"
