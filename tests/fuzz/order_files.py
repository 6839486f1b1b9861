"""The file of orders: a text that is accepted is the one that was signed, or its beginning."""

import base64
import json
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.canonical import canonical
from policy.containment import Order, Scope
from policy.order_chain import GENESIS, BadOrders, decode, encode
from tests.fuzz.edits import edited_bytes
from tests.fuzz.pieces import Pieces
from tests.fuzz.target import Target

_KEY: Final = Ed25519PrivateKey.from_private_bytes(b"\x42" * 32)
_TAG: Final = b"agentgate/order/v1\x00"
_AT: Final = "2026-09-21T14:13:20.000000+00:00"


def _written() -> tuple[bytes, ...]:
    """The lines of a file of four orders."""
    orders = [
        Order(1, "kill", Scope(agent="billing-bot"), "runs wild", "alice", _AT),
        Order(2, "quarantine", Scope(upstream="files", tool="délete"), "", "bob", _AT),
        Order(3, "release", Scope(agent="billing-bot"), "mended", "alice", _AT),
        Order(4, "kill", Scope(agent="a\r\n\x1b", tool="b"), "\u2028", "alice", _AT),
    ]
    lines: list[bytes] = []
    for order in orders:
        link = decode(b"".join(lines), _KEY.public_key()).link
        lines.append(encode(order, link, _KEY))
    return tuple(lines)


_LINES: Final = _written()


def _check(raw: bytes) -> None:
    """The first byte says what the rest is: a text, changes to a file, or the content of an order that was signed."""
    pieces = Pieces(raw)
    match pieces.number(3):
        case 0:
            _check_text(pieces.rest())
        case 1:
            _check_text(edited_bytes(b"".join(_LINES), pieces))
        case _:
            _check_signed(pieces.rest())


def _check_text(text: bytes) -> None:
    try:
        chain = decode(text, _KEY.public_key())
    except BadOrders:
        return
    assert text == b"".join(_LINES[: chain.number])


def _check_signed(raw: bytes) -> None:
    """Signed by the right key, but not by the program that writes orders."""
    try:
        content = {"order": json.loads(raw), "prev": GENESIS}
        signature = base64.b64encode(_KEY.sign(_TAG + canonical(content))).decode()
        text = canonical({**content, "signature": signature}) + b"\n"
    except (ValueError, RecursionError):
        return
    try:
        (order,) = decode(text, _KEY.public_key()).orders
    except BadOrders:
        return
    texts = (order.reason, order.issuer, order.at)
    names = (order.scope.agent, order.scope.upstream, order.scope.tool)
    assert type(order.number) is int
    assert all(type(each) is str for each in texts)
    assert all(each is None or type(each) is str for each in names)


def _seeds() -> list[bytes]:
    order = json.loads(_LINES[0])["order"]
    odd = ["[]", "[[[[[[[[", "null", '{"order":1,"prev":1,"signature":1}']
    return [
        *(b"\0" + b"".join(_LINES[:count]) for count in range(5)),
        *(b"\0" + text.encode() for text in odd),
        b"\1" + bytes(20),
        b"\2" + json.dumps(order).encode(),
        b"\2" + json.dumps({**order, "number": True, "scope": {"agent": 1}}).encode(),
        b"\2[]",
    ]


ORDERS: Final = Target(
    "orders",
    "an order file is the one that was signed up to a line, or refused as BadOrders",
    _check,
    _seeds,
    (b'{"order":', b'"prev":"', b'"signature":"', b'"scope":{', b'"kind":"kill"', b"\r\n", b"[[[[[[[["),
)
