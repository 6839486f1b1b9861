"""The form of `orders.jsonl`: one signed order a line, each naming the line before it. Pure.

A line is `{"order": {...}, "prev": "<hex>", "signature": "<base64>"}` in canonical form. `prev` is the SHA-256 of
the previous line without its LF (64 zeros before the first); the Ed25519 signature is over a domain tag and the
canonical form of order and prev. Numbers begin at 1 and rise by 1.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from evidence.canonical import canonical, read
from evidence.signing import exact_base64
from policy.containment import Order, Scope

GENESIS: Final = "0" * 64
_TAG: Final = b"agentgate/order/v1\x00"
_KINDS: Final = ("kill", "quarantine", "release")


class BadOrders(ValueError):
    """A line that is not a valid successor of those before it."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The orders of a file, and the digest of its last line."""

    orders: tuple[Order, ...] = ()
    links: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The number of the last order; 0 before the first."""
        return len(self.orders)

    @property
    def link(self) -> str:
        """What the next line must name as `prev`."""
        return self.links[-1] if self.links else GENESIS


_EMPTY: Final = Chain()


def encode(order: Order, prev: str, key: Ed25519PrivateKey) -> bytes:
    """The line for `order`, LF included."""
    content: dict[str, Any] = {"order": _as_mapping(order), "prev": prev}
    signature = base64.b64encode(key.sign(_TAG + canonical(content))).decode()
    return canonical(content | {"signature": signature}) + b"\n"


def decode(text: bytes, key: Ed25519PublicKey, before: Chain = _EMPTY) -> Chain:
    """The chain `before` and the orders in `text`, whole lines only, after it.

    Raises BadOrders with the line that fails and why.
    """
    orders: list[Order] = list(before.orders)
    links: list[str] = list(before.links)
    *lines, rest = text.split(b"\n")
    if rest:
        raise BadOrders(f"line {before.number + len(lines) + 1}: it does not end")
    for count, line in enumerate(lines, start=before.number + 1):
        try:
            order = _decode_line(line, links[-1] if links else GENESIS, key)
        except (ValueError, KeyError, TypeError) as error:
            raise BadOrders(f"line {count}: {error}") from error
        except InvalidSignature as error:
            raise BadOrders(f"line {count}: the signature is not that of the local orders key") from error
        if order.number != count:
            raise BadOrders(f"line {count}: order {order.number} where {count} belongs")
        orders.append(order)
        links.append(hashlib.sha256(line).hexdigest())
    return Chain(tuple(orders), tuple(links))


def _decode_line(line: bytes, prev: str, key: Ed25519PublicKey) -> Order:
    content = read(line)
    if not isinstance(content, dict) or content.keys() != {"order", "prev", "signature"}:
        raise ValueError("not an order, the line before it and a signature")
    if content["prev"] != prev:
        raise ValueError("does not follow the line before it")
    signature = exact_base64(content.pop("signature"))
    key.verify(signature, _TAG + canonical(content))
    return _from_mapping(content["order"])


def _as_mapping(order: Order) -> dict[str, Any]:
    scope = {name: value for name, value in asdict(order.scope).items() if value is not None}
    return asdict(order) | {"scope": scope}


def _from_mapping(value: Mapping[str, Any]) -> Order:
    if value["kind"] not in _KINDS:
        raise ValueError(f"no such kind of order: {value['kind']}")
    order = Order(**{**value, "scope": Scope(**value["scope"])})
    texts = (order.reason, order.issuer, order.at)
    names = (order.scope.agent, order.scope.upstream, order.scope.tool)
    if type(order.number) is not int or not all(type(text) is str for text in texts):
        raise ValueError("a member of the order has the wrong type")
    if not all(name is None or type(name) is str for name in names):
        raise ValueError("a name in the order's scope is no text")
    return order
