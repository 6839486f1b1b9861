"""Local neighbours: whoever else is on this machine changes nothing in OPA.

another user    cannot connect: folder and socket are closed
the same user   reads what it can read anyway, and changes nothing: the bundle owns every root
--authorization OPA answers nobody anything but the questions of the entry points
"""

import json
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tests.attacks.documents import CALL
from tests.attacks.gates import Gates, request
from tests.attacks.planes import Asking
from tests.attacks.row import Story
from tests.attacks.stories import passed
from tests.attacks.stranger import DENIED, tried
from tests.attacks.wire import Answer, exchange_unix

_ENTRY_POINTS: Final = ("decision", "listing", "result")
_MODULE: Final = "observe/entry.rego"
_READS: Final = [
    ("POST", "/v1/data", b'{"input":{}}'),
    ("POST", "/v1/data/system/authz", b'{"input":{}}'),
    ("GET", "/v1/data/agentgate/grants", b""),
    ("GET", "/v1/policies", b""),
    ("POST", "/v1/query", b'{"query":"data"}'),
    ("POST", "/v1/compile", b'{"query":"data"}'),
    ("GET", "/v1/config", b""),
    ("GET", "/metrics", b""),
    ("POST", "/", b"{}"),
]
_WRITES: Final = [
    ("PUT", "/v1/data/agentgate/grants", b'{"a":1}', 400),
    ("PATCH", "/v1/data/agentgate", b'[{"op":"add","path":"/x","value":1}]', 400),
    ("DELETE", "/v1/data/agentgate", b"", 400),
    ("PUT", "/v1/policies/evil", b"package agentgate.evil", 400),
    ("DELETE", "/v1/policies/evil", b"", 404),
    ("PUT", "/v1/data", b'{"a":1}', 400),
    ("PATCH", "/v1/data", b'[{"op":"add","path":"/x","value":1}]', 400),
    ("DELETE", "/v1/data", b"", 405),
    ("PUT", "/v1/data/elsewhere", b'{"a":1}', 400),
    ("PUT", f"/v1/policies/{_MODULE}", b"package agentgate", 400),
    ("DELETE", f"/v1/policies/{_MODULE}", b"", 400),
]
"""Each with the status of OPA's refusal; the module is the one of the bundle, whatever OPA calls it."""


def rows() -> Iterator[Story]:
    """Every row of the class."""
    asked = [*((method, path, body) for method, path, body, _ in _WRITES), *_READS]
    for method, path, body in asked:
        told = partial(_authorized, method=method, path=path, body=body)
        sent = f"`{method} {path}` on the socket of an OPA with `--authorization`"
        yield Story(f"neighbour/{_name(method, path)}", sent, "refused by OPA's own authorisation", told)
    sent = "`POST` to each entry point on the socket of an OPA with `--authorization`"
    yield Story("neighbour/entry-points", sent, "passes: OPA answers, and the sidecar decides", _answered, passes=True)
    for method, path, body in asked:
        told = partial(_another_user, method=method, path=path, body=body)
        sent = f"another user: `{method} {path}` on OPA's socket"
        yield Story(f"neighbour/another-user/{_name(method, path)}", sent, "cannot connect; nothing changes", told)
    sent, expected = "another user, where OPA's folder is open: `PUT /v1/data`", "cannot connect; nothing changes"
    yield Story("neighbour/another-user/open-folder", sent, expected, _open_folder)
    for method, path, body, status in _WRITES:
        told = partial(_same_user, method=method, path=path, body=body, status=status)
        sent = f"OPA's own user: `{method} {path}` on its socket"
        expected = f"HTTP {status} of OPA; nothing changes, since the bundle owns every root"
        yield Story(f"neighbour/same-user/{_name(method, path)}", sent, expected, told)
    yield Story("neighbour/socket-modes", "another user looks for OPA's socket", "folder 0700, socket 0600", _modes)


def _name(method: str, path: str) -> str:
    return f"{method.lower()}{path.replace('/', '-').rstrip('-')}"


def _authorized(gates: Gates, method: str, path: str, body: bytes) -> None:
    assert _asked(gates.authorizing, method, path, body).status in (401, 403)


def _answered(gates: Gates) -> None:
    found = gates.authorizing
    for entry in _ENTRY_POINTS:
        assert _asked(found, "POST", f"/v1/data/agentgate/{entry}", b'{"input":{}}').status == 200
    found.gate.fresh()
    passed(found.gate.ask(CALL))
    assert found.gate.upstream.bodies == [CALL]


def _another_user(gates: Gates, method: str, path: str, body: bytes) -> None:
    found = gates.asking
    before = _held(found)
    whole = request(method, path, body, ["-Authorization"], port=80)
    assert tried(found.socket, whole, closed=found.folder) == DENIED
    assert _held(found) == before


def _open_folder(gates: Gates) -> None:
    found = gates.asking
    before = _held(found)
    whole = request("PUT", "/v1/data", b"{}", ["-Authorization"], port=80)
    found.folder.chmod(0o755)
    try:
        assert tried(found.socket, whole, closed=found.socket) == DENIED
    finally:
        found.folder.chmod(0o700)
    assert _held(found) == before


def _same_user(gates: Gates, method: str, path: str, body: bytes, status: int) -> None:
    found = gates.asking
    before = _held(found)
    answer = _asked(found, method, path.replace(_MODULE, _module(found)), body)
    assert answer.status == status, answer
    assert status != 400 or b"bundle" in answer.body, answer
    assert _held(found) == before
    found.gate.fresh()
    passed(found.gate.ask(CALL))
    assert found.gate.upstream.bodies == [CALL]


def _held(found: Asking) -> tuple[Any, ...]:
    """All data and modules of OPA, and the revision that its decisions come from."""
    answer = _asked(found, "POST", "/v1/data/agentgate/decision?provenance=true", b'{"input":{}}')
    (bundle,) = json.loads(answer.body)["provenance"]["bundles"].values()
    data = json.loads(_asked(found, "GET", "/v1/data").body)
    return bundle["revision"], data, {each["id"]: each["raw"] for each in _modules(found)}


def _modules(found: Asking) -> list[dict[str, Any]]:
    modules: list[dict[str, Any]] = json.loads(_asked(found, "GET", "/v1/policies").body)["result"]
    return modules


def _module(found: Asking) -> str:
    (name,) = [each["id"] for each in _modules(found) if each["id"].endswith(_MODULE)]
    return quote(name, safe="")


def _asked(found: Asking, method: str, path: str, body: bytes = b"") -> Answer:
    return exchange_unix(found.socket, request(method, path, body, ["-Authorization"], port=80))


def _modes(gates: Gates) -> None:
    found = gates.asking
    assert _mode(found.folder) == 0o700
    assert _mode(found.socket) == 0o600


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
