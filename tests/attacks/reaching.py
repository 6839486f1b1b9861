"""SSRF and credential leak: the sidecar connects to nothing but what is configured, and tells nobody its secrets."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from tests.attacks.documents import CALL
from tests.attacks.exchanges import HttpRow
from tests.attacks.gates import ALICE, BOB, CANARY, Gate, Gates
from tests.attacks.row import Row, Story
from tests.attacks.stories import legacy_stream, passed, refused
from tests.attacks.upstream import events, http, upstream
from tests.attacks.wire import exchange
from tests.peers.sidecar import agentgate

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_ENDPOINTS: Final = {
    "metadata-address": "http://169.254.169.254/latest/meta-data",
    "another-host": "http://evil.example/messages",
    "another-port": "http://127.0.0.1:1/messages",
    "without-a-scheme": "//169.254.169.254/messages",
    "another-scheme": "https://127.0.0.1/messages",
    "file": "file:///etc/passwd",
    "script": "javascript:alert(1)",
    "mapped-address": "http://[::ffff:169.254.169.254]/messages",
    "decimal-address": "http://2852039166/messages",
    "with-a-user": "http://127.0.0.1@evil.example/messages",
    "blank-before": " //evil.example/messages",
    "tab-inside": "/\t/evil.example/messages",
}
_ODD_ENDPOINTS: Final = {
    "backslashes": "http:\\\\evil.example\\messages",
    "slash-and-backslash": "/\\evil.example/messages",
    "dots": "/../../messages",
    "a-query-alone": "?session=1",
}
"""What a browser would take for another host, and Python's own joining of addresses does not."""

_HEADERS: Final = {
    "authorization": "X-A: b",
    "cookie": "Cookie: canary",
    "forwarded": "X-Forwarded-For: canary",
    "proxy-authorization": "Proxy-Authorization: Basic canary",
}
_URLS: Final = {
    "metadata-address": "http://169.254.169.254/latest",
    "mapped-address": "http://[::ffff:169.254.169.254]/",
    "decimal-address": "http://2852039166/",
    "any-address": "http://0.0.0.0/",
    "name-that-begins-well": "http://localhost.evil.example/",
    "with-a-user": "http://127.0.0.1@evil.example/",
    "file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1/",
}


def rows() -> Iterator[Row]:
    """Every row of both classes."""
    for method, body in (("POST", CALL), ("GET", b""), ("DELETE", b"")):
        for status in _REDIRECTS:
            told = partial(_redirect, method=method, body=body, status=status)
            said = f"the tool server answers a {method} with {status} to another address"
            yield Story(f"ssrf/redirect-{method.lower()}-{status}", said, "not followed, `Location` stays here", told)
    for name, url in _ENDPOINTS.items():
        yield HttpRow(
            f"ssrf/endpoint-{name}", 200, method="GET", answer=events(b"event: endpoint\ndata: %b\n\n" % url.encode()),
            arrives=[b""], returns=b"", notes="foreign_endpoint",
            said=f"a legacy stream that names the endpoint `{url}`",
        )  # fmt: skip
    twice = [b"event: endpoint\ndata: /m\n\n", b"event: endpoint\ndata: /n\n\n"]
    yield HttpRow(
        "ssrf/endpoint-twice", 200, method="GET", answer=events(*twice), arrives=[b""], lacks=[b"/n"],
        notes="second_endpoint", said="a legacy stream that names two endpoints",
    )  # fmt: skip
    for name, url in _ODD_ENDPOINTS.items():
        told = partial(_stays, endpoint=url)
        yield Story(
            f"ssrf/endpoint-{name}", f"a legacy stream that names the endpoint `{url}`", _STAYS, told, passes=True
        )
    for name, url in _URLS.items():
        yield Story(
            f"ssrf/configured-{name}", f"`--upstream files={url}`", "exit code 64", partial(_configured, url=url)
        )
    yield Story("ssrf/proxy-of-the-environment", "`HTTP_PROXY` and its like point elsewhere", "not used", _proxied)
    said = "the name of a tool server that is to be in one network stands for another address when it is connected to"
    yield Story("ssrf/rebinding-at-dial-time", said, "`upstream_down`; nothing arrives there", _rebound)
    yield from _leaks()


def _redirect(gates: Gates, method: str, body: bytes, status: int) -> None:
    gate = gates.open
    gate.fresh()
    with upstream() as elsewhere:
        gate.upstream.answers(http(b"", f"Location: {elsewhere.url}", status=f"{status} Elsewhere", kind=None))
        answer = gate.ask(body, method=method)
        assert "location" not in answer.headers
        assert elsewhere.received == elsewhere.own == []
    assert len(gate.upstream.received) == 1


_STAYS: Final = "messages arrive at the configured address and nowhere else"


def _stays(gates: Gates, endpoint: str) -> None:
    stream, path = legacy_stream(gates.open, endpoint)
    with stream:
        assert path.startswith("/files/-/")
        assert gates.open.ask(CALL, path=path).status == 202
        assert gates.open.upstream.bodies == [CALL]


def _configured(gates: Gates, url: str) -> None:
    folder = gates.folder()
    done = agentgate("sidecar", "--listen", "127.0.0.1:1", "--state", folder, "--upstream", f"files={url}")
    assert done.returncode == 64, done
    assert "--upstream" in done.stderr


def _rebound(gates: Gates) -> None:
    with upstream() as behind:
        place = f'url = "http://localhost:{behind.port}/mcp"\n'
        kept, open_to_all = f'{place}addresses = ["192.0.2.0/24"]\n', place
        with gates.gate(lines=f"[upstreams.kept]\n{kept}[upstreams.any]\n{open_to_all}") as gate:
            refused(gate.ask(CALL, path="/kept"), "upstream_down")
            assert behind.received == behind.own == []
            passed(gate.ask(CALL, path="/any"))
            assert behind.bodies == [CALL]


def _proxied(gates: Gates) -> None:
    with upstream() as elsewhere:
        names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")
        with gates.gate(environment=dict.fromkeys(names, elsewhere.url)) as gate:
            passed(gate.ask(CALL))
            assert gate.upstream.bodies == [CALL]
        assert elsewhere.received == elsewhere.own == []


def _leaks() -> Iterator[Row]:
    for place, look in _PLACES.items():
        told = partial(_silent, look=look)
        yield Story(
            f"leak/{place}", "calls that pass, fail and are refused", f"no secret in: {place.replace('-', ' ')}", told
        )
    for name, header in _HEADERS.items():
        told = partial(_kept, header=header)
        yield Story(f"leak/{name}-to-the-tool-server", f"a call with `{header}` and a token", "neither arrives", told)
    said = "a call with the header that the sidecar adds"
    yield Story("leak/added-header-replaced", said, "only the sidecar's own value arrives", _replaced)
    said = "a refusal of the HTTP parser, over a request with a token"
    yield Story("leak/parser-refusal", said, "the token is not repeated, nor is Python named", _parser)


def _provoke(gate: Gate) -> None:
    """A call that passes, one that fails upstream, one that is refused, one that cannot be read."""
    gate.fresh()
    gate.ask(CALL)
    gate.upstream.answers(http(b"no json", status="500 Broken", kind="text/plain"))
    gate.ask(CALL)
    gate.upstream.answers([b""])
    gate.ask(CALL)
    gate.ask(b"{")
    gate.ask(CALL, f"Authorization: Bearer {ALICE}\0")
    gate.ask(CALL, "Mcp-Session-Id: nobody", token=BOB)


def _log(gate: Gate) -> str:
    return gate.sidecar.program.printed()


def _evidence(gate: Gate) -> str:
    files = [file for file in gate.folders.evidence.rglob("*") if file.is_file()]
    return "".join(file.read_bytes().decode("latin-1") for file in files)


def _records(gate: Gate) -> str:
    key = gate.folders.state / "keys" / "tenant-acme.key"
    return agentgate("records", gate.folders.evidence, "--json", "--key", key).stdout


def _state(gate: Gate) -> str:
    files = [file for file in gate.folders.state.rglob("*") if file.is_file()]
    return "".join(file.read_bytes().decode("latin-1") for file in files)


def _processes(gate: Gate) -> str:
    return Path(f"/proc/{gate.sidecar.program.process.pid}/cmdline").read_text()


def _answers(gate: Gate) -> str:
    return b"".join(gate.answers).decode("latin-1")


def _admin(gate: Gate, path: str) -> str:
    host = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
    answer = exchange(gate.admin_port, [host], method="GET")
    assert answer.status == 200
    return answer.body.decode()


_PLACES: Final[dict[str, Callable[[Gate], str]]] = {
    "log": _log,
    "evidence": _evidence,
    "records-opened-with-the-key": _records,
    "state-folder": _state,
    "process-list": _processes,
    "answers-to-agents": _answers,
    "metrics": partial(_admin, path="/metrics"),
    "readiness": partial(_admin, path="/readyz"),
}


def _silent(gates: Gates, look: Callable[[Gate], str]) -> None:
    gate = gates.open
    _provoke(gate)
    found = look(gate)
    assert found
    assert [secret for secret in (CANARY, ALICE, BOB) if secret in found] == []


def _kept(gates: Gates, header: str) -> None:
    gate = gates.open
    gate.fresh()
    passed(gate.ask(CALL, header))
    (seen,) = gate.upstream.received
    assert seen.values(header.partition(":")[0]) == seen.values("Authorization") == []
    assert ALICE not in str(seen.headers)


def _replaced(gates: Gates) -> None:
    gate = gates.open
    gate.fresh()
    for spelled in ("X-Api-Key: forged", "x-api-key: forged", "X_Api_Key: forged"):
        gate.upstream.received.clear()
        passed(gate.ask(CALL, spelled))
        assert gate.upstream.received[0].values("X-Api-Key") == [CANARY]
        assert "forged" not in str(gate.upstream.received[0].headers)
    passed(gate.ask(CALL, path="/other"))
    assert CANARY not in str(gate.upstream.received[-1].headers)


def _parser(gates: Gates) -> None:
    gate = gates.open
    gate.fresh()
    for broken in ("X-A : b", "X-A: b\0", f"Authorization: Bearer {ALICE}\0", f"Authorization: {ALICE * 1000}"):
        answer = gate.ask(CALL, broken)
        assert answer.status == 400
        assert answer.headers["server"] == "agentgate"
        assert ALICE not in answer.body.decode("latin-1")
