"""What readers get of a running central, and that each sees the evidence of one tenant alone."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from central.ledger.ledger import Ledger
from evidence.checkpoint import read_checkpoint
from evidence.merkle import check_inclusion, leaf_hash
from evidence.note import read_note
from evidence.record import Kind, link_of
from tests.central.ledger.gate import Gate
from tests.peers.central import Central, central

TOKENS = {"acme": "a" * 40, "umbrella": "u" * 40}
BEGAN, ENDS = "2026-09-21T13:00:00Z", "2026-09-21T15:00:00Z"


@pytest.fixture(scope="module")
def gates() -> dict[str, Gate]:
    """A chain for each of two tenants."""
    made = {}
    for number, tenant in enumerate(TOKENS):
        gate = Gate(name=f"gate-{number}", tenant=tenant).start()
        gate.write(Kind.REFUSAL, {"refusal": {"code": "x", "rule": None, "order": None}}, "r", input=tenant.encode())
        made[tenant] = gate.calls("a", "b").close().head()
    return made


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, gates: dict[str, Gate]) -> Iterator[Central]:
    """A central that has both in its log, and one reader for each."""
    made = central(tmp_path_factory.mktemp("central"))
    made.command("migrate")
    ledger = Ledger.open(made.database)
    for gate in gates.values():
        ledger.append(gate.batch(), gate.registered)
    ledger.close()
    lines = [
        f'[readers.{tenant}]\ntenant = "{tenant}"\ntoken_sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"\n'
        for tenant, token in TOKENS.items()
    ]
    (made.folder / "readers.toml").write_text("".join(lines))
    with made.started():
        _wait_for_log(made, sum(gate.position().seq for gate in gates.values()))
        yield made


def _wait_for_log(place: Central, leaves: int) -> None:
    ends = time.monotonic() + 15
    while place.log_size() != leaves:
        assert time.monotonic() < ends, "not in the log in time"
        time.sleep(0.05)


def got(place: Central, tenant: str, path: str, status: int = 200) -> dict[str, Any]:
    answer = place.get(path, {"Authorization": f"Bearer {TOKENS[tenant]}"})
    assert answer.status == status, answer.body
    return dict(json.loads(answer.body))


@pytest.mark.parametrize("tenant", TOKENS)
def test_each_tenant_sees_its_own(place: Central, gates: dict[str, Gate], tenant: str) -> None:
    gate = gates[tenant]
    (chain,) = got(place, tenant, "/v1/chains")["chains"]
    assert (chain["chain"], chain["sidecar"], chain["seq"]) == (gate.chain, gate.name, gate.position().seq)
    found = got(place, tenant, "/v1/records")
    assert [one["link"] for one in found["records"]] == gate.links[1:]
    assert all(link_of(one["header"].encode()) == one["link"] for one in found["records"])
    assert found["after"] is None
    assert {json.loads(one["header"])["tenant"] for one in found["records"]} == {tenant}


PATHS = ["/v1/chains", "/v1/records", "/v1/incidents", "/v1/completeness", "/v1/log/proof?chain=" + "0" * 64 + "&seq=1"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param(None, id="nobody"),
        pytest.param("Bearer " + "x" * 40, id="an-unknown-token"),
        pytest.param("Basic " + "a" * 40, id="another-scheme"),
        pytest.param("Bearer " + hashlib.sha256(b"a" * 40).hexdigest(), id="the-hash-of-a-token"),
    ],
)
def test_nobody_else_sees_anything(place: Central, path: str, authorization: str | None) -> None:
    answer = place.get(path, {"Authorization": authorization} if authorization else None)
    assert (answer.status, json.loads(answer.body)["code"]) == (401, "not_authenticated")


OTHERS = [
    pytest.param("/v1/records?chain={chain}", {"records": [], "after": None}, id="records-of-a-chain"),
    pytest.param("/v1/records?sidecar={sidecar}", {"records": [], "after": None}, id="records-of-a-sidecar"),
    pytest.param("/v1/records?after=0.0&first=1&chain={chain}", {"records": [], "after": None}, id="by-its-number"),
    pytest.param("/v1/completeness?sidecar={sidecar}", {"chains": [], "complete": False}, id="completeness"),
]


@pytest.mark.parametrize(("path", "told"), OTHERS)
def test_nothing_of_another_tenant(place: Central, gates: dict[str, Gate], path: str, told: dict[str, Any]) -> None:
    other = gates["umbrella"]
    found = got(place, "acme", path.format(chain=other.chain, sidecar=other.name))
    assert {name: found[name] for name in told} == told


def test_no_proof_for_another_tenant(place: Central, gates: dict[str, Gate]) -> None:
    path = f"/v1/log/proof?chain={gates['umbrella'].chain}&seq=1"
    assert got(place, "acme", path, 404)["code"] == "not_found"


def test_records_in_parts(place: Central, gates: dict[str, Gate]) -> None:
    seqs: list[int] = []
    after: str | None = "0.0"
    while after is not None:
        part = got(place, "acme", f"/v1/records?limit=2&after={after}")
        seqs += [one["seq"] for one in part["records"]]
        after = part["after"]
    assert seqs == list(range(1, gates["acme"].position().seq + 1))


def test_a_record_of_the_log_is_proved_to_a_stranger(place: Central, gates: dict[str, Gate]) -> None:
    gate = gates["umbrella"]
    published = read_checkpoint(read_note(place.get("/log/checkpoint").body.decode()).text)
    for seq in range(1, gate.position().seq + 1):
        proof = got(place, "umbrella", f"/v1/log/proof?chain={gate.chain}&seq={seq}")
        assert (proof["leaf"], proof["size"]) == (gate.links[seq], published.size)
        hashes = [base64.b64decode(one) for one in proof["hashes"]]
        leaf = leaf_hash(bytes.fromhex(gate.links[seq]))
        check_inclusion(proof["index"], proof["size"], leaf, hashes, published.root)
        assert read_checkpoint(read_note(proof["checkpoint"]).text) == published


def test_a_proof_for_an_older_tree_has_no_checkpoint(place: Central, gates: dict[str, Gate]) -> None:
    published = read_checkpoint(read_note(place.get("/log/checkpoint").body.decode()).text)
    told = [
        got(place, tenant, f"/v1/log/proof?chain={gates[tenant].chain}&seq=1&size={published.size - 1}")
        for tenant in TOKENS
    ]
    assert [(proof["size"], proof["checkpoint"]) for proof in told] == [(published.size - 1, None)] * 2


def test_completeness(place: Central) -> None:
    found = got(place, "acme", f"/v1/completeness?since={BEGAN}&until={ENDS}")
    (chain,) = found["chains"]
    assert (found["complete"], chain["lacks"]) == (True, [])
    assert got(place, "acme", "/v1/completeness?until=2020-01-01T00:00:00Z")["complete"] is False


def test_of_a_part_nobody_can_say_whether_all_is_there(place: Central) -> None:
    first = got(place, "acme", f"/v1/completeness?since={BEGAN}&until={ENDS}&limit=1")
    assert (first["complete"], len(first["chains"])) == (None, 1)
    rest = got(place, "acme", f"/v1/completeness?since={BEGAN}&until={ENDS}&after={first['after']}")
    assert (rest["complete"], rest["chains"], rest["after"]) == (None, [], None)


def test_chains_in_parts(place: Central, gates: dict[str, Gate]) -> None:
    first = got(place, "acme", "/v1/chains?limit=1")
    assert [chain["chain"] for chain in first["chains"]] == [gates["acme"].chain]
    rest = got(place, "acme", f"/v1/chains?after={first['after']}")
    assert (rest["chains"], rest["after"]) == ([], None)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/v1/records?limit=0", "`limit` is between 1 and 1000"),
        ("/v1/records?limit=1001", "`limit` is between 1 and 1000"),
        ("/v1/records?chain=abc", "`chain` has 64 hex digits"),
        ("/v1/records?since=yesterday", "`since` is a time with its zone"),
        ("/v1/records?since=2026-01-01T00:00:00", "`since` is a time with its zone"),
        ("/v1/records?after=7", "`after` is what the part before gave"),
        ("/v1/records?first=-1", "`first` is a whole number"),
        ("/v1/records?from=1", "there is no parameter 'from' here"),
        ("/v1/records?first=1&first=2", "`first` is given twice"),
        ("/v1/log/proof?seq=1", "a proof is of a record"),
        ("/v1/chains?limit=1001", "`limit` is between 1 and 1000"),
        ("/v1/completeness?after=1.2", "`after` is a whole number"),
        ("/v1/chains?x=1", "there is no parameter 'x' here"),
    ],
)
def test_a_request_that_asks_for_nothing(place: Central, path: str, says: str) -> None:
    found = got(place, "acme", path, 400)
    assert found["code"] == "bad_request"
    assert says in found["error"]
