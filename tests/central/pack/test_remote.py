"""`agentgate pack export --central` as a reader on another machine runs it, before a real central with a witness."""

import base64
import hashlib
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from central.ledger.packs import packs_of
from central.store.engine import open_store
from evidence.note import read_verifier_key
from evidence.pack.vocabulary import PROOFS
from evidence.record import Kind
from proxy.reading_central import CentralReader, Unanswered
from tests.central.ledger.gate import TENANT_KEY, Gate
from tests.central.log.witnesses import real_witness, witness_key
from tests.central.shipping import asked, posted, registered
from tests.central.test_main_line import until
from tests.central.test_witnessed import witnessed_by
from tests.evidence.pack.parcels import members_of
from tests.peers.central import Central, central
from tests.peers.processes import free_port
from tests.peers.sidecar import agentgate

TOKENS = {"acme": "a" * 40, "unkeyed": "k" * 40, "umbrella": "u" * 40}
TENANTS = {"acme": "acme", "unkeyed": "acme", "umbrella": "umbrella"}
BODY = {"caller": {"tenant": "acme", "agent": "refused-bot"}, "session": "5e55", "refusal": {"code": "x"}}
MINE = Gate().start().calls("a", "b").head().write(Kind.REFUSAL, BODY, "r").close().head()
LOSING = Gate(name="gate-3").start().calls("c").write(Kind.LOSS, {"lost": {"notice": 2}}).head()
THEIRS = Gate(name="gate-2", tenant="umbrella", unit="session-2").start().calls("z").head()
GATES = {"mine": (MINE, 7), "losing": (LOSING, 4), "theirs": (THEIRS, 3)}


def _has(place: Central, gate: Gate, count: int) -> bool:
    return asked(place, gate).included == count


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    """A central that runs, and has the chains of two tenants in its log."""
    folder = tmp_path_factory.mktemp("remote")
    place = central(folder / "central")
    registered(place, [gate for gate, _ in GATES.values()])
    lines = [
        f'[readers.{name}]\ntenant = "{TENANTS[name]}"\nwrapped_keys = {str(name != "unkeyed").lower()}\n'
        f'token_sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"\n'
        for name, token in TOKENS.items()
    ]
    (place.folder / "readers.toml").write_text("".join(lines))
    with real_witness(folder / "witness", log=read_verifier_key(place.key("log"))) as witness:
        config = witnessed_by(place, witness.prefix)
        with place.started(["-c", str(config)]):
            for gate, count in GATES.values():
                assert posted(place, gate, gate.part(0)).status == 200
                until(partial(_has, place, gate, count))
            yield place


class Reader:
    """Somebody with a token and perhaps the tenant's key, in a folder of their own."""

    def __init__(self, place: Central, folder: Path) -> None:
        self.place, self.folder, self.pack = place, folder, folder / "one.agentgate"
        self.key = folder / "tenant.key"
        self.key.touch(mode=0o600)
        self.key.write_bytes(base64.b64encode(TENANT_KEY.private_bytes_raw()))

    def exports(self, *flags: str, reader: str = "acme", url: str | None = None) -> tuple[int, str]:
        """What `pack export --central` ends with, and says."""
        token = self.folder / "token"
        token.write_text(TOKENS.get(reader, reader) + "\n")
        of = ("--central", url or self.place.url, "--token-file", token)
        done = agentgate("pack", "export", *of, *flags, "--out", self.pack)
        assert done.stderr == ""
        return done.returncode, done.stdout

    def verified(self) -> dict[str, Any]:
        """What `verify` says with all keys."""
        identity = base64.b64encode(MINE.registered.public_key).decode()
        keys = ("--key", identity, "--receipt-key", self.place.key("receipts"), "--log-key", self.place.key("log"))
        witness = ("--witness-key", witness_key(0).text(), "--witnesses", "1")
        done = agentgate("verify", self.pack, *keys, *witness, "--json")
        return dict(json.loads(done.stdout))


@pytest.fixture
def reader(place: Central, tmp_path: Path) -> Reader:
    return Reader(place, tmp_path)


def test_a_stranger_believes_what_a_reader_made(reader: Reader) -> None:
    code, said = reader.exports("--call", "a", "--tenant-key", str(reader.key), "--json")
    assert code == 0, said
    told = json.loads(said)
    assert (told["selected"], told["records"], told["opened"], told["pack"]) == (2, 7, 2, str(reader.pack))
    found = reader.verified()
    assert (found["ok"], found["texts"], found["self_asserted"]) == (True, 2, 0), found
    assert {step["verdict"] for step in found["steps"]} == {"ok"}
    with open_store(reader.place.database).reading() as connection:
        assert [packs_of(connection, "acme", unit) for unit in told["units"]] == [[told["digest"]]]
    members = members_of(reader.pack.read_bytes())
    assert not any(b"wrapped" in content or b"keys.jsonl" in content for content in members.values())
    assert {path.name for path in reader.folder.iterdir()} == {"one.agentgate", "tenant.key", "token"}


def test_both_ways_give_the_same_records(reader: Reader) -> None:
    assert reader.exports("--agent", "billing-bot", "--tenant-key", str(reader.key))[0] == 0
    other = reader.folder / "two.agentgate"
    flags = ("--tenant", "acme", "--agent", "billing-bot", "--tenant-key", reader.key, "--out", other)
    assert reader.place.command("export", *flags).returncode == 0
    mine, theirs = (members_of(path.read_bytes()) for path in (reader.pack, other))
    assert mine.keys() == theirs.keys()
    same = {name for name in mine if mine[name] == theirs[name]}
    assert {name for name in mine if not name.endswith(("receipts.tsv", "manifest.json"))} <= same
    assert len(mine[PROOFS].splitlines()) > 6


ASKED = [
    pytest.param(["--session", "5e55"], 1, id="a session without a sealed text"),
    pytest.param(["--agent", "refused-bot"], 1, id="an agent"),
    pytest.param(["--call", "c"], 2, id="a call of the other chain"),
    pytest.param(["--incident", "1"], 4 + 7, id="an incident: a minute of all chains"),
    pytest.param(["--until", "2026-09-21T14:13:23Z"], 2 * 3, id="a time, and the calls of it as a whole"),
    pytest.param([], 11, id="everything"),
]


@pytest.mark.parametrize(("flags", "selected"), ASKED)
def test_what_is_asked_for(reader: Reader, flags: list[str], selected: int) -> None:
    code, said = reader.exports(*flags, "--json", reader="unkeyed")
    assert (code, json.loads(said)["selected"] if code == 0 else said) == (0, selected)
    found = reader.verified()
    assert found["ok"], found


REFUSED = [
    pytest.param("nobody" * 8, [], 64, "no reader has this token", id="a wrong token"),
    pytest.param("umbrella", ["--call", "a"], 64, "no chain of umbrella", id="another's call"),
    pytest.param("umbrella", ["--session", "5e55"], 64, "no chain of umbrella", id="another's session"),
    pytest.param("umbrella", ["--incident", "1"], 64, "no incident 1 of this tenant", id="another's incident"),
    pytest.param("umbrella", ["--tenant", "acme"], 64, "the token is for umbrella", id="another tenant"),
    pytest.param("acme", ["--session", "none"], 64, "no chain of acme with anything", id="no such session"),
    pytest.param("acme", ["--from", "noon"], 64, "not a time", id="no time"),
    pytest.param("acme", ["--log", "x"], 64, "it has both", id="another log"),
    pytest.param("acme", ["--incident", "x"], 64, "whole number", id="no number"),
]


@pytest.mark.parametrize(("who", "flags", "code", "said"), REFUSED)
def test_what_is_refused(reader: Reader, who: str, flags: list[str], code: int, said: str) -> None:
    ended, text = reader.exports(*flags, reader=who)
    assert (ended, said in text) == (code, True), text
    assert not reader.pack.exists()
    assert list(reader.folder.glob(".export-*")) == []


def test_wrapped_keys_are_not_for_everybody(reader: Reader) -> None:
    code, said = reader.exports("--tenant-key", str(reader.key), reader="unkeyed")
    assert (code, "wrapped_keys = true" in said, reader.pack.exists()) == (64, True, False)


def test_central_is_away(reader: Reader) -> None:
    code, said = reader.exports(url=f"http://127.0.0.1:{free_port()}")
    assert (code, "central does not answer" in said) == (69, True)


PATHS = ["receipt", "heads", "keys", "leaves"]


@pytest.mark.parametrize("path", PATHS)
def test_anothers_chain_is_as_none(place: Central, path: str) -> None:
    headers = {"Authorization": f"Bearer {TOKENS['umbrella']}"}
    answers = [place.get(f"/v1/{path}?chain={chain}", headers) for chain in (MINE.chain, "0" * 64)]
    assert (answers[0].status, answers[0].body) == (answers[1].status, answers[1].body)
    assert answers[0].status == 404 or json.loads(answers[0].body) == {path: [], "after": None}
    assert place.get(f"/v1/{path}?chain={MINE.chain}").status == 401


def test_a_pack_of_what_was_erased_meanwhile_is_not_noted(reader: Reader, tmp_path: Path) -> None:
    """The reader had its keys before the erasure, and says so after it."""
    (tmp_path / "token").write_text(TOKENS["acme"])
    central = CentralReader(reader.place.url, tmp_path / "token")
    with pytest.raises(Unanswered, match=r"central answers 409: .*gone-1 was erased meanwhile: make it again"):
        central.told("/v1/packs", {"digest": "e" * 64, "units": ["gone-1"]})
    with open_store(reader.place.database).reading() as connection:
        assert packs_of(connection, "acme", "gone-1") == []


def test_a_log_that_is_not_published_is_told(reader: Reader, tmp_path: Path) -> None:
    checkpoint = reader.place.folder / "log" / "checkpoint"
    aside = checkpoint.rename(checkpoint.with_name("aside"))
    try:
        code, said = reader.exports()
    finally:
        aside.rename(checkpoint)
    assert (code, "has not published its log yet" in said) == (69, True), said
