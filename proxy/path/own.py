"""Own: requests that the sidecar itself makes, in the era, session and name of the caller for whom it makes them."""

import base64
import re
from collections.abc import Mapping
from typing import Any, Final

import orjson
from msgspec import structs

from proxy.demux import STOPPED
from proxy.detached import Waiting
from proxy.gate import Gate
from proxy.going_on import attempt
from proxy.vocabulary import Exchange, Headers
from proxy.wire.message import read_client

_META: Final = "_meta"
_MODERN_META: Final = "io.modelcontextprotocol/"
_AS_IT_IS: Final = re.compile(r"(?!=\?)[!-~](?:[ -~]*[!-~])?")


def own_request(
    gate: Gate, exchange: Exchange, method: str, params: Mapping[str, Any], *, name: str | None = None
) -> Exchange:
    """A request of ours beside `exchange`; `name` is what Mcp-Name says of it in the revisions that mirror it."""
    members = dict(params)
    if meta := _own_meta(exchange):
        members[_META] = meta
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": f"agentgate-{gate.new_id()}", "method": method}
    if members:
        body["params"] = members
    raw = orjson.dumps(body)
    headers = tuple(_header(each, value, method) for each, value in exchange.headers if not _names_the_call(each))
    envelope = read_client(raw, limit=len(raw))
    return structs.replace(exchange, envelope=envelope, headers=(*headers, *_mirrored(exchange, name)), own=True)


async def cancel(gate: Gate, waiting: Waiting) -> None:
    """Tell the upstream that nobody waits for a detached call any more, if it can be told."""
    leg = gate.upstreams[waiting.exchange.upstream].leg()
    telling = leg.tell(waiting.exchange) if waiting.own else leg.cancel(waiting.exchange, [waiting.request], STOPPED)
    await attempt("telling an upstream of a call that was stopped", telling)
    await attempt("leaving that upstream", leg.close())


def _own_meta(exchange: Exchange) -> dict[str, Any]:
    for message in exchange.envelope.messages:
        meta = message.params.get(_META) if isinstance(message.params, dict) else None
        if isinstance(meta, dict):
            return {key: value for key, value in meta.items() if key.startswith(_MODERN_META)}
    return {}


def _names_the_call(header: str) -> bool:
    lowered = header.lower()
    return lowered == "mcp-name" or lowered.startswith("mcp-param-")


def _header(name: str, value: str, method: str) -> tuple[str, str]:
    return (name, method) if name.lower() == "mcp-method" else (name, value)


def _mirrored(exchange: Exchange, name: str | None) -> Headers:
    if name is None or not exchange.modern or exchange.transport != "http":
        return ()
    if _AS_IT_IS.fullmatch(name):
        return (("Mcp-Name", name),)
    return (("Mcp-Name", f"=?base64?{base64.b64encode(name.encode()).decode()}?="),)
