"""What a client is asked to do, the same for every client: steps in, outcomes out, both plain JSON.

    step      {"do": "list"} | {"do": "call", name, arguments, progress?, cancel_after?}
              | {"do": "read", uri} | {"do": "prompt", name, arguments}
    outcome   {"names": [...]} | {"text": str, "error": bool, "progress": [number...]} | {"cancelled": true}
              | {"failed": {"code": int, "message": str}}

Asked by a server, every client answers: its model says "Paris", its person {"colour": "green"}, its roots are ["file:///here"].
Asked to approve something its person does; sent to a page it opens that.
"""

from collections.abc import Mapping
from typing import Any

Step = dict[str, Any]


def list_tools() -> Step:
    """All tools, page by page."""
    return {"do": "list"}


def call(name: str, arguments: Mapping[str, Any] | None = None) -> Step:
    """One call, to its end."""
    return {"do": "call", "name": name, "arguments": dict(arguments or {})}


def call_with_progress(name: str, arguments: Mapping[str, Any]) -> Step:
    """One call, with the progress that it reports."""
    return {**call(name, arguments), "progress": True}


def call_cancelled(name: str, arguments: Mapping[str, Any], *, after_seconds: float) -> Step:
    """One call that the client gives up, in the way of its revision."""
    return {**call(name, arguments), "cancel_after": after_seconds}


def read(uri: str) -> Step:
    """One resource."""
    return {"do": "read", "uri": uri}


def prompt(name: str, arguments: Mapping[str, str]) -> Step:
    """One prompt."""
    return {"do": "prompt", "name": name, "arguments": dict(arguments)}
