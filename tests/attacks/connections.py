"""Connections that carry more than one request, or ask to become something else."""

from collections.abc import Iterator
from typing import Final

from tests.attacks.documents import CALL
from tests.attacks.exchanges import HttpRow
from tests.attacks.gates import CANARY, Gates, request
from tests.attacks.row import Row, Story, refusals_in
from tests.attacks.stories import passed
from tests.attacks.wire import connect
from tests.path.messages import call

_UPGRADES: Final = ("Upgrade: websocket", "Sec-WebSocket-Key: x", "TE: trailers", "Trailer: X-A", "HTTP2-Settings: AAA")


def rows() -> Iterator[Row]:
    """Every row; they belong to smuggling, bypass and leak."""
    for method in ("GET", "DELETE"):
        yield HttpRow(
            f"smuggling/body-on-{method.lower()}", 405, body=CALL, method=method,
            headers=[f"Content-Length: {len(CALL)}"], arrives=[b""], said=f"`{method}` with a call as its body",
        )  # fmt: skip
    said = "a granted and a denied call in one piece, on one connection"
    yield Story("smuggling/pipelined", said, "two answers in their order; the second is `not_granted`", _pipelined)
    said = "`GET` that asks for a WebSocket, and for HTTP/2"
    yield Story("smuggling/upgrade", said, "no such header arrives", _upgrade)
    said = "`Connection: X-Api-Key`, the name of a header that the sidecar adds"
    yield Story("smuggling/connection-names-an-added-header", said, "it arrives all the same", _named)


def _pipelined(gates: Gates) -> None:
    gate = gates.strict
    gate.fresh()
    first = request("POST", "/files", CALL, ["-Connection"], port=gate.port)
    second = request("POST", "/files", call(2, "drop"), port=gate.port)
    heard = b""
    with connect(gate.port) as connection:
        connection.sendall(first + second)
        while piece := connection.recv(65536):
            heard += piece
    one, two = (part.partition(b"\r\n\r\n")[2] for part in heard.split(b"HTTP/1.1 200 OK\r\n")[1:])
    assert refusals_in(one) == []
    assert [each["code"] for each in refusals_in(two)] == ["not_granted"]
    assert gate.upstream.bodies == [CALL]


def _upgrade(gates: Gates) -> None:
    gate = gates.open
    gate.fresh()
    assert gate.ask(b"", *_UPGRADES, "Connection: Upgrade, HTTP2-Settings, close", method="GET").status == 405
    (seen,) = gate.upstream.received
    assert [each for each in _UPGRADES if seen.values(each.partition(":")[0])] == []


def _named(gates: Gates) -> None:
    gate = gates.open
    gate.fresh()
    passed(gate.ask(CALL, "Connection: close, X-Api-Key, Content-Type"))
    (seen,) = gate.upstream.received
    assert seen.values("X-Api-Key") == [CANARY]
