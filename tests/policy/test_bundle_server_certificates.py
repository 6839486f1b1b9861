"""A bundle server that demands a certificate of whoever asks: real TLS on loopback, authorities made for the test.

Everything that takes a bundle from a server asks as `fetch` does; a sidecar that brings OPA its policy does so, too.
"""

import asyncio
import datetime
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from policy.activation import PolicySource
from policy.bundle_server import BundleServer
from policy.embedded import EmbeddedEngine
from policy.engine import PolicyAway
from policy.fetched import NotFetched
from policy.fetching import fetch
from policy.following import Following
from policy.keeping import Keeping, given_at
from tests.path.certificates import Authority
from tests.policy.bundle_servers import Shelf, serving
from tests.policy.tampering import good, trust

PAST = datetime.datetime(2026, 2, 1, tzinfo=datetime.UTC)
"""Before any day on which this runs, and after the day from which certificates are valid."""


@dataclass(frozen=True, slots=True)
class Place:
    """A server that demands certificates of one authority, and the folder of all certificates."""

    folder: Path
    shelf: Shelf
    context: ssl.SSLContext

    def server(self, **files: str | None) -> BundleServer:
        """How it is asked with these files; the one authority that is right, unless another is named."""
        named = {"ca_file": "servers.pem", **files}
        paths: dict[str, Any] = {key: None if name is None else self.folder / name for key, name in named.items()}
        return BundleServer(self.shelf.url, answer_seconds=10.0, **paths)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """Version 7, for clients with a certificate of `clients`."""
    servers, clients, others = (Authority(tmp_path, name) for name in ("servers", "clients", "others"))
    clients.issue("sidecar")
    clients.issue("expired", not_after=PAST)
    others.issue("stranger")
    both = (tmp_path / "sidecar.pem").read_bytes() + (tmp_path / "sidecar.key").read_bytes()
    (tmp_path / "both.pem").write_bytes(both)
    context = servers.server(clients_of=clients).context
    async with serving(Shelf(good(7)), context) as shelf:
        yield Place(tmp_path, shelf, context)


TAKEN = [
    pytest.param({"certificate_file": "sidecar.pem", "key_file": "sidecar.key"}, id="certificate-and-key"),
    pytest.param({"certificate_file": "both.pem"}, id="key-in-the-certificates-file"),
]


@pytest.mark.parametrize("files", TAKEN)
async def test_the_right_certificate(place: Place, files: dict[str, str]) -> None:
    assert (await fetch(place.server(**files), None, 0)).packed == place.shelf.packed


MAY_WANT = "it ended the connection; it may want a client certificate (policy.server.certificate_file)"
MAY_REFUSE = "it ended the connection; it may not accept the certificate in policy.server.certificate_file"
UNKNOWN = "its certificate is not accepted: unable to get local issuer certificate"
OURS = {"certificate_file": "sidecar.pem", "key_file": "sidecar.key"}
EXPIRED = {"certificate_file": "expired.pem", "key_file": "expired.key"}
STRANGER = {"certificate_file": "stranger.pem", "key_file": "stranger.key"}
CANNOT = "what policy.server has for TLS cannot be used"

REFUSED = [
    pytest.param({}, MAY_WANT, id="none"),
    pytest.param(STRANGER, MAY_REFUSE, id="of-another-authority"),
    pytest.param(EXPIRED, MAY_REFUSE, id="expired"),
    pytest.param({**OURS, "ca_file": None}, UNKNOWN, id="authority-of-the-server-unknown"),
    pytest.param({**OURS, "ca_file": "others.pem"}, UNKNOWN, id="another-authority-for-the-server"),
    pytest.param({**OURS, "key_file": "stranger.key"}, f"{CANNOT}: key values mismatch", id="key-of-another"),
    pytest.param({**OURS, "certificate_file": "gone.pem"}, f"{CANNOT}: No such file or directory", id="gone-meanwhile"),
]


@pytest.mark.parametrize(("files", "problem"), REFUSED)
async def test_what_the_server_or_we_do_not_accept(place: Place, files: dict[str, str | None], problem: str) -> None:
    with pytest.raises(NotFetched) as raised:
        await fetch(place.server(**files), None, 0)
    assert raised.value.what == problem
    assert place.shelf.asked == []


ALERTS = [
    pytest.param({}, "handshake failure", id="none"),
    pytest.param(STRANGER, "unknown ca", id="of-another-authority"),
    pytest.param(EXPIRED, "certificate expired", id="expired"),
]


@pytest.mark.parametrize(("files", "alert"), ALERTS)
async def test_a_server_that_says_why(place: Place, files: dict[str, str | None], alert: str) -> None:
    """In TLS 1.2 it says so before anything else, so that no client can miss it."""
    place.context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with saying(place.context) as port:
        server = replace(place.server(**files), url=f"https://127.0.0.1:{port}/policy")
        with pytest.raises(NotFetched, match=f"it and we do not agree on TLS: {alert}"):
            await fetch(server, None, 0)


async def test_a_server_without_tls(place: Place) -> None:
    async with serving(Shelf(good(7))) as shelf:
        server = replace(place.server(**OURS), url=shelf.url.replace("http:", "https:"))
        with pytest.raises(NotFetched, match="it and we do not agree on TLS: wrong version number"):
            await fetch(server, None, 0)


async def test_a_certificate_that_is_changed_while_the_sidecar_runs(place: Place, tmp_path: Path) -> None:
    """Files are read anew for each question; what was there before decides meanwhile."""
    for kind in ("pem", "key"):
        (place.folder / f"own.{kind}").write_bytes((place.folder / f"expired.{kind}").read_bytes())
    server = place.server(certificate_file="own.pem", key_file="own.key")
    state, engine = tmp_path / "state", EmbeddedEngine(budget_seconds=5.0)
    served = Following(server, given_at(state, server.shown))
    source = PolicySource(
        server.shown, state / "grants.json", trust=trust(), keeping=Keeping(state, server.shown), served=served
    )
    with pytest.raises(PolicyAway, match="may not accept the certificate"):
        await source.begin(engine)
    for kind in ("pem", "key"):
        (place.folder / f"own.{kind}").write_bytes((place.folder / f"sidecar.{kind}").read_bytes())
    policy, problems = await source.begin(engine)
    assert (policy.version, problems, served.problem) == (7, (), None)
    await engine.close()


@asynccontextmanager
async def saying(context: ssl.SSLContext) -> AsyncIterator[int]:
    """A server by OpenSSL's blocking sockets, which send the alert that asyncio's keep to themselves; its port."""

    def answer() -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            with connection, suppress(ssl.SSLError):
                context.wrap_socket(connection, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.to_thread(answer))
            yield listening.getsockname()[1]
