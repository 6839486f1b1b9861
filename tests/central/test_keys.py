"""An exchange of central's keys, as operators make it while everything runs, and what is refused on the way."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evidence.checkpoint import Quorum, open_checkpoint
from evidence.key_history import read_history, read_pin
from evidence.keys import signing_key
from evidence.note import read_note, read_verifier_key
from evidence.verify import read_ledgers, verify_paths
from tests.central.log.witnesses import real_witness, witness_key
from tests.central.test_main_line import call, held, until, written
from tests.central.test_witnessed import witnessed_by
from tests.peers.central import Central, central
from tests.peers.servers import HttpServer
from tests.peers.sidecar import Sidecar, agentgate, sidecar

pytestmark = pytest.mark.xdist_group("everything_json")


@pytest.fixture
def place(tmp_path: Path) -> Central:
    made = central(tmp_path / "central")
    (tmp_path / "one").mkdir()
    made.register(tmp_path / "one" / "state")
    return made


def states(place: Central, purpose: str) -> list[str]:
    return [key["state"] for key in place.keys()[purpose]["keys"]]


def all_held(place: Central, one: Sidecar) -> bool:
    total = sum(written(one).values())
    return held(place) == total and any(b"receipt" in path.read_bytes() for path in receipts(one))


def receipts(one: Sidecar) -> list[Path]:
    return list(one.folders.evidence.glob("chain-*/receipts.tsv"))


def verdict(one: Sidecar, pin: str, *history: Path) -> tuple[bool, str]:
    report = verify_paths([one.folders.evidence], None, read_ledgers([pin], history))
    return report.ok, str(report.error)


def test_receipts_and_checkpoints_count_over_an_exchange(
    place: Central, tmp_path: Path, everything_json: HttpServer
) -> None:
    """Pinned is the first key alone: by the sidecar, by verify, and by a real C2SP witness until both keys sign."""
    root, log = place.key("receipts"), read_verifier_key(place.key("log"))
    history, quorum = place.folder / "log" / "keys" / "receipts", Quorum(1, (witness_key(0),))
    with real_witness(tmp_path / "witness", log=log) as witness:  # noqa: SIM117 - the configuration names its address
        with (
            place.started(["-c", str(witnessed_by(place, witness.prefix))]),
            sidecar(tmp_path / "one", {"tools": everything_json}, more=place.flags()) as one,
        ):
            assert "result" in call(one)
            for purpose in ("receipts", "log"):
                place.keys("announce", purpose)
                place.keys("rotate", purpose)
            second = read_verifier_key(place.keys()["log"]["keys"][1]["key"])
            until(lambda: second.id.hex() in [line.key_id.hex() for line in _signatures(place)])
            assert open_checkpoint(_note(place), log, quorum) == open_checkpoint(_note(place), second, quorum)
            assert "result" in call(one, 2)
            until(lambda: any(one.folders.evidence.glob("chain-*/ledger-keys.tsv")))
            place.keys("retire", "receipts")
            assert "result" in call(one, 3)
            one.program.terminate()
            until(lambda: all_held(place, one) and place.log_size() == held(place))
            published = place.get("/log/keys/receipts").body
    assert published == history.read_bytes()
    assert len(read_history(published, read_pin(root)).notes) == 4
    assert states(place, "receipts") == ["retired", "active"]
    assert verdict(one, root) == (True, "None")


def _note(place: Central) -> str:
    return place.get("/log/checkpoint").body.decode()


def _signatures(place: Central) -> Any:
    return read_note(_note(place)).signatures


def test_what_a_revoked_key_has_signed_does_not_count(
    place: Central, tmp_path: Path, everything_json: HttpServer
) -> None:
    root, before = place.key("receipts"), place.keys()["receipts"]["pin"]
    with place.started(), sidecar(tmp_path / "one", {"tools": everything_json}, more=place.flags()) as one:
        assert "result" in call(one)
        one.program.terminate()
        until(lambda: all_held(place, one))
    assert verdict(one, root) == verdict(one, before) == (True, "None")
    for step in (["announce"], ["rotate"], ["revoke", "--since", "always"]):
        place.keys(step[0], "receipts", *step[1:])
    history, pin = place.folder / "log" / "keys" / "receipts", place.keys()["receipts"]["pin"]
    assert verdict(one, root) == (True, "None")
    ok, why = verdict(one, root, history)
    assert (ok, "signed at" in why, "by a revoked key" in why) == (False, True, True)
    ok, why = verdict(one, pin)
    assert (ok, "rolled back" in why) == (False, True)
    with place.started(), sidecar(tmp_path / "one", {"tools": everything_json}, more=place.flags()) as one:
        assert "result" in call(one)
        one.program.terminate()
        until(lambda: all_held(place, one))


def _opened(place: Central) -> None:
    next((place.folder / "keys" / "log").glob("*.key")).chmod(0o644)


def _given_away(place: Central) -> None:
    os.chown(next((place.folder / "keys" / "receipts").glob("*.key")), 12_345, -1)


def _replaced(place: Central) -> None:
    other = central(place.folder.parent / "other")
    other.key("log")
    next((other.folder / "keys" / "log").glob("*.key")).replace(next((place.folder / "keys" / "log").glob("*.key")))


def _rolled_back(place: Central) -> None:
    path = place.folder / "keys" / "receipts" / "history.tsv"
    old = path.read_bytes()
    place.keys("announce", "receipts")
    path.write_bytes(old)


def _of_another_central(place: Central) -> None:
    other = central(place.folder.parent / "other")
    other.key("log")
    (place.folder / "keys" / "receipts" / "history.tsv").write_bytes(
        (other.folder / "keys" / "receipts" / "history.tsv").read_bytes()
    )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(_opened, "chmod 600", id="a-key-that-others-read"),
        pytest.param(_given_away, "belongs to user 12345", id="a-key-of-another-owner"),
        pytest.param(_replaced, "wrapping key", id="a-key-that-was-replaced"),
        pytest.param(_rolled_back, "older copy", id="a-history-that-was-rolled-back"),
        pytest.param(_of_another_central, "older copy", id="a-history-of-another-central"),
        pytest.param(
            lambda place: (place.folder / "keys/log/history.tsv").unlink(), "is gone", id="a-history-that-is-gone"
        ),
        pytest.param(lambda place: (place.folder / "wrapping.key").unlink(), "is gone", id="no-wrapping-key"),
    ],
)  # fmt: skip
def test_a_start_refuses(place: Central, spoil: Callable[[Central], None], said: str) -> None:
    place.key("log")
    spoil(place)
    done = place.command("--listen", f"127.0.0.1:{place.port}")
    assert done.returncode == 64
    assert said in done.stderr
    assert str(place.folder) in done.stderr


def test_a_running_central_that_cannot_sign_says_so_and_goes_on_when_it_can(
    place: Central, tmp_path: Path, everything_json: HttpServer
) -> None:
    place.key("receipts")
    flags = place.flags()
    with place.started():
        # Nobody asks for a receipt before the key is away: it would have been taken up.
        place.keys("announce", "receipts")
        key = max((place.folder / "keys" / "receipts").glob("*.key"), key=lambda path: path.stat().st_mtime_ns)
        hidden = key.with_suffix(".away")
        place.keys("rotate", "receipts")
        key.rename(hidden)
        os.utime(place.folder / "keys" / "receipts" / "history.tsv")
        with sidecar(tmp_path / "one", {"tools": everything_json}, more=flags) as one:
            assert "result" in call(one)
            until(lambda: place.get("/readyz").status == 503)
            assert "No such file" in json.dumps(json.loads(place.get("/readyz").body)["problems"])
            hidden.rename(key)
            until(lambda: place.get("/readyz").status == 200 and all_held(place, one))


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        pytest.param([["rotate", "receipts"]], "announce one before", id="rotate-to-nothing"),
        pytest.param([["announce", "log"], ["announce", "log"]], "announced already", id="announce-twice"),
        pytest.param([["retire", "log"]], "rotate to another one before", id="retire-the-only-one"),
        pytest.param([["revoke", "log", "--since", "always"]], "to another one before", id="revoke-the-only-one"),
        pytest.param([["revoke", "log"]], "say with --since", id="revoke-since-when"),
        pytest.param([["revoke", "log", "--since", "2026-05-01"]], "say with --since", id="revoke-without-a-zone"),
        pytest.param([["announce"]], "receipts or log", id="of-which"),
        pytest.param([["announce", "log"], ["rotate", "log", "--id", "00000000"]], "no key 00000000", id="no-such-id"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused(place: Central, steps: list[list[str]], said: str) -> None:
    for step in steps[:-1]:
        place.keys(*step)
    before = place.keys()
    done = agentgate("central", "--state", place.folder, "keys", *steps[-1])
    assert (done.returncode, said in done.stderr) == (64, True), done.stderr
    assert place.keys() == before


def test_keys_are_shown_to_people(place: Central) -> None:
    place.keys("announce", "log")
    shown = agentgate("central", "--state", place.folder, "keys", check=True).stdout
    assert "active, leads" in shown
    assert "announced; announced" in shown
    assert place.key("receipts") in shown


def _configured(place: Central, text: str) -> str:
    path = place.folder / "central.toml"
    path.write_text(f"[keys]\n{text}\n")
    return str(path)


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        pytest.param('passphrase_file = "words"', b"incorrect\n", "does not open", id="wrong-passphrase"),
        pytest.param('passphrase_file = "words"', b"\n", "is empty", id="no-passphrase"),
        pytest.param('passphrase_file = "none"', b"", "keys.passphrase_file", id="no-file"),
        pytest.param(
            'passphrase_variable = "AGENTGATE_NO_SUCH"', b"", "AGENTGATE_NO_SUCH is not set", id="no-variable"
        ),
        pytest.param('wrapping_key_file = "words"', b"words", "head -c 32", id="no-wrapping-key"),
        pytest.param('passphrase_file = "words"\nwrapping_key_file = "words"', b"x", "keep one of them", id="both"),
        pytest.param("", b"", "wrapping.key is gone", id="none-any-more"),
        pytest.param('colour = "red"', b"", "colour", id="unknown-key"),
    ],
)
def test_a_start_needs_what_keys_are_encrypted_under(place: Central, text: str, words: bytes, said: str) -> None:
    right = place.folder / "right"
    right.write_bytes(b"correct horse\n")
    right.chmod(0o600)
    made = place.command("-c", _configured(place, 'passphrase_file = "right"'), "keys", "--json")
    assert made.returncode == 0, made.stderr
    assert not (place.folder / "wrapping.key").exists()
    (place.folder / "words").write_bytes(words)
    (place.folder / "words").chmod(0o600)
    done = place.command("-c", _configured(place, text), "--listen", f"127.0.0.1:{place.port}")
    assert (done.returncode, said in done.stderr) == (64, True), done.stderr


def test_keys_that_lay_open_stay_the_keys_and_are_encrypted(place: Central) -> None:
    before = {name: signing_key(place.folder, name).public_key().public_bytes_raw() for name in ("receipts", "log")}
    for _ in range(2):
        assert {name: read_verifier_key(keys["root"]).public for name, keys in place.keys().items()} == before
        assert [path.name for path in (place.folder / "keys").iterdir() if path.is_file()] == []
