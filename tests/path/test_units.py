"""What is erased together: each row changes one thing of a record, and says whether its unit is another one."""

import json
from collections import defaultdict
from pathlib import Path
from typing import cast

import pytest
from msgspec import structs

from evidence.journal import Journal
from policy.vocabulary import Caller
from proxy.path.bodies import erasure_unit
from tests.path.test_redacted_records import upstream
from tests.peers.fixtures import StartSidecar
from tests.peers.raw import call

BOT = Caller(tenant="acme", agent="bot", workload=None, user="ada", authn_method="static")


class Pseudonyms:
    """Stands for the journal."""

    def pseudonym(self, kind: str, text: str) -> str:
        return f"{kind}-{text}"


ROWS: dict[str, tuple[str | None, Caller, str, bool]] = {
    "the-same": (None, BOT, "files", True),
    "another-agent": (None, structs.replace(BOT, agent="clerk"), "files", False),
    "another-user": (None, structs.replace(BOT, user="bob"), "files", False),
    "another-upstream": (None, BOT, "mail", False),
    "within-a-session": ("s1", BOT, "files", False),
}


@pytest.mark.parametrize(
    ("session", "caller", "upstream", "same"), [pytest.param(*row, id=name) for name, row in ROWS.items()]
)
def test_what_is_one_unit(session: str | None, caller: Caller, upstream: str, same: bool) -> None:  # noqa: FBT001
    journal = cast("Journal", Pseudonyms())
    assert (erasure_unit(journal, session, caller, upstream) == erasure_unit(journal, None, BOT, "files")) is same


def test_a_session_is_one_unit_whatever_is_called_in_it() -> None:
    journal = cast("Journal", Pseudonyms())
    units = {erasure_unit(journal, "s1", BOT, upstream) for upstream in ("files", "mail")}
    assert units == {"session-s1"}


POLICY = """package agentgate

allowed := {"effect": "allow", "reason": "ok"}

decision := allowed if input.call.name == "plain"
else := object.union(allowed, {"obligations": {"record": "digest"}}) if input.call.name == "digest"
else := {"effect": "deny", "reason": "no"}

listing := {"hide": []}
"""


def test_each_class_of_retention_has_a_data_key_of_its_own(sidecar: StartSidecar, tmp_path: Path) -> None:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy/policy.rego").write_text(POLICY)
    file = tmp_path / "agentgate.toml"
    file.write_text("[policy]\nunsigned = true\n")
    with upstream("application/json") as url:
        started = sidecar({"files": url}, policy=str(tmp_path / "policy"), more=["-c", str(file)])
        for tool in ("plain", "digest", "other", "plain", "digest", "other"):
            call(started.url("files"), tool, {"a": 1})
        started.program.terminate()
    (chain,) = started.folders.evidence.glob("chain-*")
    named: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for line in (chain / "records-00000001.tsv").read_bytes().splitlines():
        if line.startswith(b"record") and "sealed" in (body := json.loads(line.split(b"\t")[2])):
            kind, obligations = (
                json.loads(line.split(b"\t")[1])["kind"],
                (body.get("decision") or {}).get("obligations"),
            )
            named[body["sealed"]["key"]].add((kind, (obligations or {}).get("record", "")))
    lines = [json.loads(line) for line in (chain / "keys.jsonl").read_bytes().splitlines()]
    assert sorted(map(sorted, named.values())) == [
        [("intent", ""), ("outcome", "")],
        [("intent", "digest"), ("outcome", "")],
        [("refusal", "")],
    ]
    assert len(lines) == 3
    assert len({line["unit"] for line in lines}) == 1
