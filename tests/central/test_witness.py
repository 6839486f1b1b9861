"""Our own witness, by its protocol: what it cosigns, what it refuses and how, and that it never forgets."""

import base64
import json
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.log.witnessing import Patience, WitnessClient
from central.log.witnessing import Witness as Asked
from central.witness import Refused, Witness, WitnessProblem, opened, read_question, witness_app
from evidence.checkpoint import Checkpoint, Quorum, open_checkpoint
from evidence.keys import signing_key
from evidence.merkle import consistency_proof
from evidence.note import write_note
from tests.central.log.memory import LOG, LOG_KEY, ORIGIN, link, log_key
from tests.evidence import naive_tree

LEAVES = [link(number) for number in range(300)]
FORK = [link(900), *LEAVES[1:]]
NOW = 1_790_000_000
SECOND = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)


def note(leaves: list[bytes], *keys: Ed25519PrivateKey, origin: str = ORIGIN) -> str:
    text = Checkpoint(origin, len(leaves), naive_tree.mth(leaves)).text()
    return write_note(text, [log_key(key).signature(key.sign(text.encode())) for key in keys or (LOG_KEY,)])


def question(old: int, leaves: list[bytes], **changed: str) -> bytes:
    proof = consistency_proof(old, len(leaves), naive_tree.hash_at(leaves)) if old <= len(leaves) else []
    hashes = [base64.b64encode(one).decode() for one in proof]
    return "\n".join((f"old {old}", *hashes, "", changed.get("note", note(leaves)))).encode()


def witness(state: Path) -> Witness:
    return opened(state, "witness.example/own", [LOG.text()])


async def test_it_cosigns_growth_and_remembers(tmp_path: Path) -> None:
    old = 0
    for size in (0, 1, 7, 7, 256, 300):
        one = witness(tmp_path)
        line = await one.cosign(question(old, LEAVES[:size]), NOW)
        whole = note(LEAVES[:size]) + line
        found = open_checkpoint(whole, LOG, Quorum(1, (one.verifier,)))
        assert [each.unix_seconds for each in found.cosignatures] == [NOW]
        old = size


@pytest.mark.parametrize(
    ("body", "status", "size"),
    [
        pytest.param(question(7, FORK[:7]), 409, 7, id="another-tree-of-this-size"),
        pytest.param(question(7, FORK[:9]), 422, None, id="a-fork"),
        pytest.param(question(0, LEAVES[:9]), 409, 7, id="from-nothing"),
        pytest.param(question(8, LEAVES[:9]), 409, 7, id="from-more-than-is-held"),
        pytest.param(question(5, LEAVES[:5]), 409, 7, id="smaller"),
        pytest.param(question(9, LEAVES[:8]), 400, None, id="old-beyond-the-checkpoint"),
        pytest.param(question(7, LEAVES[:9]).replace(b"old 7", b"old 7 "), 400, None, id="blank-after-the-size"),
        pytest.param(question(7, LEAVES[:9]).replace(b"old 7", b"old -7"), 400, None, id="negative"),
        pytest.param(b"", 400, None, id="nothing"),
        pytest.param(b"old 7\n", 400, None, id="no-checkpoint"),
        pytest.param(b"old 7\n!\n\n" + note(LEAVES[:9]).encode(), 400, None, id="no-base64"),
        pytest.param(b"old 7\n" + b"AAAA\n" * 64 + b"\n" + note(LEAVES[:9]).encode(), 400, None, id="64-hashes"),
        pytest.param(b"\xff" + question(7, LEAVES[:9]), 400, None, id="no-utf-8"),
        pytest.param(question(7, LEAVES[:9], note=note(LEAVES[:9], origin="other.example/log")), 404, None, id="log"),
        pytest.param(question(7, LEAVES[:9], note=note(LEAVES[:9])[:-6] + "AA==\n"), 403, None, id="signature"),
    ],
)
async def test_what_is_refused(tmp_path: Path, body: bytes, status: int, size: int | None) -> None:
    one = witness(tmp_path)
    await one.cosign(question(0, LEAVES[:7]), NOW)
    before = (tmp_path / "cosigned.json").read_bytes()
    with pytest.raises(Refused) as raised:
        await one.cosign(body, NOW)
    assert (raised.value.status, raised.value.size) == (status, size)
    assert (tmp_path / "cosigned.json").read_bytes() == before
    assert await one.cosign(question(7, LEAVES[:9]), NOW)


async def test_what_it_cosigned_is_not_forgotten(tmp_path: Path) -> None:
    await witness(tmp_path).cosign(question(0, LEAVES[:7]), NOW)
    (tmp_path / "cosigned.json").write_text("{")
    with pytest.raises(WitnessProblem, match="cosigned"):
        witness(tmp_path)


@pytest.mark.parametrize(
    ("known", "signs", "status"),
    [
        pytest.param([LOG_KEY], [LOG_KEY, SECOND], None, id="both-sign-and-the-old-one-is-known"),
        pytest.param([SECOND], [LOG_KEY, SECOND], None, id="both-sign-and-the-new-one-is-known"),
        pytest.param([LOG_KEY, SECOND], [LOG_KEY], None, id="the-old-one-signs-and-both-are-known"),
        pytest.param([LOG_KEY, SECOND], [SECOND], None, id="the-new-one-signs-and-both-are-known"),
        pytest.param([SECOND], [SECOND], None, id="after-the-exchange"),
        pytest.param([LOG_KEY], [SECOND], 403, id="who-was-not-told-of-the-new-one"),
        pytest.param([SECOND], [LOG_KEY], 403, id="who-does-not-know-the-old-one-any-more"),
    ],
)
async def test_it_goes_on_over_an_exchange_of_the_logs_key(
    tmp_path: Path, known: list[Ed25519PrivateKey], signs: list[Ed25519PrivateKey], status: int | None
) -> None:
    await witness(tmp_path).cosign(question(0, LEAVES[:7]), NOW)
    one = opened(tmp_path, "witness.example/own", [log_key(key).text() for key in known])
    body = question(7, LEAVES[:9], note=note(LEAVES[:9], *signs))
    if status is None:
        assert await one.cosign(body, NOW)
        return
    with pytest.raises(Refused) as raised:
        await one.cosign(body, NOW)
    assert raised.value.status == status


async def test_a_key_that_lay_open_is_encrypted_and_stays_the_key(tmp_path: Path) -> None:
    public = signing_key(tmp_path, "witness").public_key().public_bytes_raw()
    for _ in range(2):
        assert witness(tmp_path).verifier.public == public
        assert not (tmp_path / "keys" / "witness.key").exists()


def test_its_state_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for state in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(WitnessProblem, match=r"--state \S+: .*: name a folder"):
            opened(state, "witness.example", [])


def test_it_is_told_of_logs_by_their_keys(tmp_path: Path) -> None:
    for text in ("x", LOG.text()[:-1], witness(tmp_path).verifier.text()):
        with pytest.raises(WitnessProblem, match="--log"):
            opened(tmp_path, "witness.example/own", [text])


def test_a_proof_is_read_as_it_stands() -> None:
    read = read_question(question(3, LEAVES[:9]))
    assert (read.old, read.note) == (3, note(LEAVES[:9]))
    assert list(read.proof) == consistency_proof(3, 9, naive_tree.hash_at(LEAVES[:9]))


async def test_the_log_asks_it(tmp_path: Path) -> None:
    one = witness(tmp_path)
    async with TestClient(TestServer(witness_app(one))) as server, aiohttp.ClientSession() as session:
        client = WitnessClient(session, [Asked(one.verifier, str(server.make_url("/")).rstrip("/"))], 1, Patience(5))
        for size in (3, 300):
            answers = await client.ask(note(LEAVES[:size]), naive_tree.hash_at(LEAVES[:size]), {one.verifier.name})
            assert answers.signatures.keys() == {one.verifier.name}
        answers = await client.ask(note(FORK), naive_tree.hash_at(FORK), {one.verifier.name})
        assert answers.contradicting.keys() == {one.verifier.name}
        smaller = await client.ask(note(LEAVES[:9]), naive_tree.hash_at(LEAVES[:9]), {one.verifier.name})
        assert smaller.ahead == {one.verifier.name: 300}
    assert list(json.loads((tmp_path / "cosigned.json").read_text())) == [ORIGIN]
