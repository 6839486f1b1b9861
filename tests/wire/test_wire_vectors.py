"""The golden vectors of the wire: every reader gives the verdict that stands in the file."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from proxy.wire.headers import check_headers
from proxy.wire.json_text import Reading, read_json
from proxy.wire.lines import Noise, client_line, server_line
from proxy.wire.message import Envelope, read_client, read_server
from proxy.wire.origins import Hosts
from proxy.wire.rules import Malformed, Rule
from proxy.wire.sse import Event, EventReader

VECTORS = Path(__file__).parents[1] / "vectors" / "wire"
LIMIT = 10_000
SMALL_LIMIT = 2000
HOSTS = Hosts.listening(
    "127.0.0.1",
    8900,
    names=frozenset(("gate.internal", "Any.internal:*")),
    origins=frozenset(("https://app.example.com",)),
)


def rows(name: str) -> list[Any]:
    """The vectors of a file as rows of a table."""
    return [pytest.param(row, id=row["name"]) for row in json.loads((VECTORS / name).read_text())]


def content(row: dict[str, Any]) -> bytes:
    """The bytes that a vector is about."""
    held = row.get("base64")
    return base64.b64decode(held) if held is not None else str(row["text"]).encode()


def limit(row: dict[str, Any]) -> int:
    """Vectors of what is too large are small themselves."""
    return SMALL_LIMIT if row["verdict"].endswith("too_large") else 100_000


def judged(read: Callable[[], object]) -> tuple[str, object]:
    """The verdict on what `read` reads, with the value or the refusal."""
    try:
        value = read()
    except Malformed as refusal:
        return str(refusal.rule), refusal
    return ("blank" if value is _BLANK else "noise" if isinstance(value, Noise) else "ok"), value


_BLANK = object()


@pytest.mark.parametrize("row", rows("json.json"))
def test_json_text(row: dict[str, Any]) -> None:
    verdict, value = judged(lambda: read_json(content(row)))
    assert verdict == row["verdict"]
    if isinstance(value, Reading):
        assert list(value.inexact) == row.get("inexact", [])


@pytest.mark.parametrize("row", rows("messages.json"))
def test_messages(row: dict[str, Any]) -> None:
    read = read_client if row["side"] == "client" else read_server
    raw = content(row)
    verdict, value = judged(lambda: read(raw, limit=limit(row)))
    assert verdict == row["verdict"]
    if isinstance(value, Envelope):
        assert value.raw == raw


@pytest.mark.parametrize("row", rows("lines.json"))
def test_lines(row: dict[str, Any]) -> None:
    line, most = content(row), limit(row)
    if row["side"] == "client":
        verdict, _ = judged(lambda: client_line(line, limit=most) or _BLANK)
    else:
        verdict, _ = judged(lambda: server_line(line, limit=most))
    assert verdict == row["verdict"]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize("row", rows("sse.json"))
def test_events(row: dict[str, Any], chunk: int) -> None:
    reader = EventReader(SMALL_LIMIT)
    raw = content(row)
    found: list[Event] = []

    def read() -> None:
        for at in range(0, len(raw), chunk):
            found.extend(reader.feed(raw[at : at + chunk]))
        found.extend(reader.close())

    verdict, _ = judged(read)
    said = [asdict(event) | {"raw": event.raw.decode(), "data": event.data.decode()} for event in found]
    assert (verdict, said) == (row["verdict"], row["events"])


@pytest.mark.parametrize("row", rows("headers.json"))
def test_headers(row: dict[str, Any]) -> None:
    envelope = read_client(row["body"].encode(), limit=LIMIT)
    headers = [(name, value) for name, value in row["headers"]]
    verdict, refusal = judged(lambda: check_headers(headers, envelope, schema=row["schema"]))
    assert verdict == row["verdict"]
    if isinstance(refusal, Malformed):
        assert refusal.status == 400
        assert (refusal.code == -32020) == verdict.startswith("header_")


@pytest.mark.parametrize("row", rows("origins.json"))
def test_origins(row: dict[str, Any]) -> None:
    verdict, refusal = judged(lambda: HOSTS.check(row["host"], row["origin"]))
    assert verdict == row["verdict"]
    if isinstance(refusal, Malformed):
        assert refusal.status == (400 if refusal.rule is Rule.HOST_MISSING else 403)


def test_every_rule_has_a_vector() -> None:
    said = {row["verdict"] for path in VECTORS.glob("*.json") for row in json.loads(path.read_text())}
    decided_later = {Rule.NUMBER_NOT_EXACT}
    assert set(Rule) - said == decided_later


def test_vectors_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(VECTORS / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
