"""Calls and documents for the tables of the policy tests."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from evidence.clock import Instant
from policy.decision import input_text, input_values, listing_values
from policy.methods import subject
from policy.vocabulary import Call, Caller, Definition, Listed, SessionView, SidecarView

CALLER = Caller("default", "billing", None, None, "static")
NOW = Instant(1_767_225_600_000_001_000, 5)
SESSION = SessionView(None)
SIDECAR = SidecarView("sidecar", 0, "none")


def tool_call(name: str = "echo", arguments: Any = None, **changes: Any) -> Call:
    """A client's tools/call of `name` at upstream `u`."""
    params = {"name": name, "arguments": arguments}
    return structs.replace(call("tools/call", params), **changes)


def call(method: str, params: Mapping[str, Any] | None = None, **changes: Any) -> Call:
    """A client's message at upstream `u`."""
    return structs.replace(
        Call(
            id="0" * 32,
            caller=CALLER,
            session=None,
            direction="client",
            transport="http",
            era="2025-11-25",
            protocol_version="2025-11-25",
            method=method,
            upstream="u",
            name=subject(method, params),
            params=params,
            arguments=None if params is None else params.get("arguments"),
        ),
        **changes,
    )


def document(asked: Call) -> bytes:
    """The input for a decision on `asked`."""
    return input_text(input_values(asked, session=SESSION, sidecar=SIDECAR, now=NOW))


def listing(method: str, *items: Listed) -> bytes:
    """The input for a listing."""
    return input_text(listing_values(call(method), items, session=SESSION, sidecar=SIDECAR, now=NOW))


def read_only(digest: str = "sha256:" + "0" * 64) -> Definition:
    """The definition of a tool that says that it only reads."""
    return Definition(digest, {"readOnlyHint": True})
