"""What a sidecar makes of answers of its central: whole, however they come; and what each status means."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.receipt import read_receipt_key
from proxy.central_client import CentralClient, Elsewhere, NotDelivered, Refused
from proxy.settings.central import CentralConfig
from tests.vectors.evidence.generate import LEDGER


@asynccontextmanager
async def _answering(status: str, body: bytes, more: str = "") -> AsyncIterator[CentralClient]:
    """A client of a server that answers everything with this."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        config = CentralConfig(url, None, read_receipt_key(LEDGER.text()), 5.0, 60.0)
        client = CentralClient(config, Ed25519PrivateKey.generate(), "gate")
        async with client.connected():
            yield client


async def test_an_answer_is_read_to_its_end() -> None:
    """A note about a thousand keys does not come in one piece."""
    note = "x" * 700_000
    async with _answering("200 OK", json.dumps({"note": note}).encode()) as client:
        assert (await client.ask("GET", "/v1/x", "acme", b""))["note"] == note


MEANS = {
    "it-is-elsewhere": ("409 Conflict", b"{}", Elsewhere),
    "it-refuses-the-batch": ("422 Unprocessable", b'{"error":"a fork"}', Refused),
    "it-does-not-know-the-sidecar": ("401 Unauthorized", b'{"error":"who?"}', Refused),
    "it-is-busy": ("503 Busy", b'{"error":"later"}', NotDelivered),
    "it-redirects": ("302 Found", b"", NotDelivered),
    "it-is-an-older-one": ("404 Not Found", b"", NotDelivered),
}


@pytest.mark.parametrize(("status", "body", "error"), [pytest.param(*row, id=name) for name, row in MEANS.items()])
async def test_what_a_status_means(status: str, body: bytes, error: type[Exception]) -> None:
    async with _answering(status, body) as client:
        with pytest.raises(error):
            await client.ask("GET", "/v1/x", "acme", b"")


async def test_how_long_it_wishes_to_be_left_alone() -> None:
    async with _answering("503 Busy", b'{"error":"later"}', "Retry-After: 7\r\n") as client:
        with pytest.raises(NotDelivered, match="later") as raised:
            await client.ask("GET", "/v1/x", "acme", b"")
    assert raised.value.seconds == 7.0
