"""Policy plane: whoever can put a file in the place of the bundle does not decide by that which policy is active."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from tests.attacks.documents import CALL
from tests.attacks.gates import Gate, Gates
from tests.attacks.row import Row, Story
from tests.attacks.stories import passed
from tests.path.messages import call
from tests.peers.processes import NotReady
from tests.policy.tampering import KEYID, TAMPERED, Tampered, good, key, public_pem

BUNDLE: Final = "policy.tar.gz"
HUGE_BYTES: Final = 1 << 30
SOON: Final = 15.0
"""Seconds within which a change must have been noticed: half of one, and what a busy machine adds."""

_STAYS: Final = "`policy_refused`: …{}…; the policy before it stays"
_OLDER: Final = "the active one is"


def rows() -> Iterator[Row]:
    """Every row of the class."""
    for row in TAMPERED:
        told = partial(_tampered, row=row)
        yield Story(f"policy/bundle-{row.name}", f"the bundle's file: {row.told}", _STAYS.format(row.reason), told)
    for name, tell, said, expected in _STORIES:
        yield Story(f"policy/bundle-{name}", said, expected, tell, passes=name in _PASSES)


def signing(gates: Gates, packed: bytes, folder: Path | None = None) -> AbstractContextManager[Gate]:
    """A sidecar that trusts one key, and this bundle; a second one for the same folder has the same state."""
    place = folder or gates.folder()
    (place / "release.pem").write_bytes(public_pem(key()))
    put(place, packed)
    lines = f'[policy]\nkeys = {{"{KEYID}" = "release.pem"}}\n'
    return gates.gate(policy=str(place / BUNDLE), lines=lines, folder=place)


def put(place: Path, packed: bytes) -> None:
    """Put the bundle there in one step."""
    draft = place / ".draft"
    draft.write_bytes(packed)
    draft.replace(place / BUNDLE)


def _place(gate: Gate) -> Path:
    return gate.folders.state.parent


def _noted(gate: Gate, event: str, text: str = "") -> dict[str, Any]:
    """The notice of this event that says this, which must come soon."""
    deadline = time.monotonic() + SOON
    while True:
        for each in gate.trail.more():
            if each.get("event") == event and text in json.dumps(each):
                return each
        assert time.monotonic() < deadline, f"no {event} with {text!r}"
        time.sleep(0.05)


def _decides(gate: Gate, version: int) -> None:
    """The good bundle of this version decides: what it lists passes, and nothing else."""
    passed(gate.ask(CALL))
    answer = gate.ask(call(2, "pay"))
    assert b"not_listed" in answer.body, answer
    assert gate.upstream.bodies == [CALL]
    assert _ready(gate)["policy"]["version"] == version


def _ready(gate: Gate) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", gate.admin_port, timeout=10)
    try:
        connection.request("GET", "/readyz")
        found: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return found


def _tampered(gates: Gates, row: Tampered) -> None:
    gate = gates.signing
    gate.fresh()
    put(_place(gate), row.make())
    _noted(gate, "policy_refused", row.reason)
    _decides(gate, 7)
    assert any(row.reason in note for note in _ready(gate)["notes"])


def _huge(gates: Gates) -> None:
    gate = gates.signing
    gate.fresh()
    draft = _place(gate) / ".draft"
    with draft.open("wb") as file:
        file.truncate(HUGE_BYTES)
    draft.replace(_place(gate) / BUNDLE)
    _noted(gate, "policy_refused", "more than")
    _decides(gate, 7)


def _gone(gates: Gates) -> None:
    gate = gates.signing
    gate.fresh()
    (_place(gate) / BUNDLE).unlink()
    _noted(gate, "policy_refused", "neither starter nor observe")
    _decides(gate, 7)


def _follows(gates: Gates, before: tuple[bytes, ...], packed: bytes, problem: str, version: int) -> None:
    """After the bundles of `before` were active in turn, one more."""
    first, *others = before
    with signing(gates, first) as gate:
        for each in others:
            put(_place(gate), each)
            _noted(gate, "policy_activated")
        gate.fresh()
        put(_place(gate), packed)
        noted = _noted(gate, "policy_refused" if problem else "policy_activated", problem)
        assert problem or noted["version"] == version
        _decides(gate, version)


def _at_a_start(gates: Gates, packed: bytes | None, problem: str) -> None:
    """A sidecar had version 7; the next one finds this, or nothing, in its place."""
    place = gates.folder()
    with signing(gates, good(7), place):
        pass
    with signing(gates, packed or b"", place) as gate:
        assert any(problem in note for note in _ready(gate)["notes"])
        _noted(gate, "policy_refused", problem)
        _decides(gate, 7)
        assert "signed)" in gate.sidecar.program.printed()


def _at_a_first_start(gates: Gates, row: Tampered) -> None:
    with pytest.raises(NotReady) as ended, signing(gates, row.make()):
        pass
    assert row.reason in str(ended.value)
    assert "explain PolicyRefused" in str(ended.value)


def _without_keys(gates: Gates) -> None:
    place = gates.folder()
    put(place, good())
    with pytest.raises(NotReady) as ended, gates.gate(policy=str(place / BUNDLE), folder=place):
        pass
    assert "no key says whose bundles count" in str(ended.value)


def _back(version: int, of: int) -> bytes:
    return good(version, metadata={"rollback_of": of})


_UNSIGNED: Final = TAMPERED[0]
_PASSES: Final = frozenset({"newer", "rollback"})
_STORIES: Final = (
    ("huge", _huge, f"the bundle's file has {HUGE_BYTES} bytes", _STAYS.format("more than")),
    ("gone", _gone, "the bundle's file is taken away", _STAYS.format("neither starter nor observe")),
    (
        "newer",
        partial(_follows, before=(good(7),), packed=good(8), problem="", version=8),
        "version 8 after version 7",
        "becomes active",
    ),
    (
        "older-than-the-active-one",
        partial(_follows, before=(good(7), good(8)), packed=good(7), problem=_OLDER, version=8),
        "version 7, as it was signed, after version 8",
        _STAYS.format(_OLDER),
    ),
    (
        "rollback",
        partial(_follows, before=(good(7),), packed=_back(5, 7), problem="", version=5),
        "version 5, signed as the rollback of 7, after version 7",
        "becomes active",
    ),
    (
        "rollback-of-another",
        partial(_follows, before=(good(8),), packed=_back(5, 7), problem=_OLDER, version=8),
        "version 5, signed as the rollback of 7, after version 8",
        _STAYS.format(_OLDER),
    ),
    (
        "what-was-rolled-back",
        partial(_follows, before=(good(7), _back(5, 7)), packed=good(7), problem="the highest was 7", version=5),
        "version 7 again, after it was rolled back to 5",
        _STAYS.format("the highest was 7"),
    ),
    (
        "older-under-another-name",
        partial(_follows, before=(good(7),), packed=good(6, metadata={"name": "other"}), problem=_OLDER, version=7),
        "version 6 of a bundle of another name, signed by the same key",
        _STAYS.format(_OLDER),
    ),
    (
        "older-at-a-start",
        partial(_at_a_start, packed=good(6), problem=_OLDER),
        "version 6 at a start, after a sidecar of the same state had version 7",
        "`policy_refused`, a note of /readyz; version 7, which is kept, decides",
    ),
    (
        "damaged-at-a-start",
        partial(_at_a_start, packed=None, problem="not a readable bundle"),
        "an empty file at a start, after a sidecar of the same state had version 7",
        "`policy_refused`, a note of /readyz; version 7, which is kept, decides",
    ),
    (
        "unsigned-at-a-first-start",
        partial(_at_a_first_start, row=_UNSIGNED),
        "an unsigned bundle at the first start",
        "`PolicyRefused`; nothing listens",
    ),
    (
        "without-keys",
        _without_keys,
        "a bundle, and a configuration without keys",
        "`PolicyRefused`; nothing listens",
    ),
)
