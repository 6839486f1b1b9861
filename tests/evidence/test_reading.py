"""`agentgate records`: what an operator sees, with and without the tenant's private key."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evidence.reading import run_records
from evidence.record import Entry, Kind
from tests.evidence.desk import Desk, intent, one_call, refusal


@pytest.fixture
async def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    async with desk.journal() as journal:
        await one_call(journal, "done-1")
        desk.clock.move(1)
        await journal.append(intent("open-1", secret=b"\xff\xfe"))
        await journal.append(refusal("refused-1"))
        messages = [{"kind": "request", "method": "tools/list"}]
        await journal.append(Entry(Kind.NOTICE, {"event": "listed", "messages": messages, "upstream": "files"}))
    return desk


def show(desk: Desk, **options: Any) -> tuple[int, str]:
    out = io.StringIO()
    return run_records(desk.evidence, out=out, **options), out.getvalue()


def private(desk: Desk) -> Path:
    return desk.root / "state/keys/tenant-acme.key"


async def test_the_table(desk: Desk) -> None:
    code, text = show(desk)
    assert code == 0
    rows = [line.split() for line in text.splitlines()]
    assert rows[0] == ["at", "seq", "kind", "call", "caller", "method", "name", "result", "reason"]
    moment = "2026-09-21T14:13:20.000"
    assert rows[2] == [moment, "2", "intent", "done-1", "billing-bot", "tools/call", "read_file", "allow", "granted"]
    assert rows[3] == [moment, "3", "outcome", "done-1", "billing-bot", "tools/call", "read_file", "completed"]
    assert rows[5][2:] == ["refusal", "refused-", "billing-bot", "tools/call", "read_file", "refused", "denied"]
    assert rows[6][2:] == ["notice", "tools/list", "files", "listed"]


async def test_json_is_one_object_a_line(desk: Desk) -> None:
    code, text = show(desk, as_json=True)
    assert code == 0
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["header"]["seq"] for line in lines] == list(range(1, 8))
    assert lines[1]["body"]["request"]["name"] == "read_file"
    assert all("opened" not in line for line in lines)


async def test_the_private_key_opens_what_was_sealed(desk: Desk) -> None:
    _, text = show(desk, as_json=True, key=private(desk))
    opened = [json.loads(line).get("opened") for line in text.splitlines()]
    assert opened[1:4] == [{"input": '{"path":"/etc/motd"}'}, {"result": "hello"}, {"input": {"base64": "//4="}}]
    _, table = show(desk, key=private(desk))
    assert '    input: {"path":"/etc/motd"}\n' in table


async def test_what_was_erased_stays_closed(desk: Desk) -> None:
    for keys in desk.evidence.glob("*/keys.jsonl"):
        keys.write_bytes(b"")
    code, text = show(desk, as_json=True, key=private(desk))
    assert code == 0
    assert "motd" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    sealed = ["sealed" in line["body"] for line in lines]
    assert [line.get("opened", "nothing sealed") for line in lines] == [
        None if one else "nothing sealed" for one in sealed
    ]
    assert any(sealed)


async def test_another_tenants_key_opens_nothing(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path / "other", tenant="umbrella")
    assert other.keys.tenants
    code, text = show(desk, as_json=True, key=other.root / "state/keys/tenant-umbrella.key")
    assert code == 0
    assert "motd" not in text


async def test_one_call(desk: Desk) -> None:
    _, text = show(desk, call="done")
    assert [line.split()[2] for line in text.splitlines()[1:]] == ["intent", "outcome"]


async def test_what_is_open(desk: Desk) -> None:
    _, text = show(desk, only_open=True)
    assert [line.split()[3] for line in text.splitlines()[1:]] == ["open-1"]


async def test_chains_are_shown_in_the_order_of_time(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as one, desk.journal() as two:
        for journal, call in ((one, "a"), (two, "b"), (one, "c")):
            desk.clock.move(1)
            await one_call(journal, call)
    _, text = show(desk)
    assert [line.split()[3] for line in text.splitlines() if "outcome" in line] == ["a", "b", "c"]


async def test_following_finds_what_was_written_meanwhile(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as journal:
        await one_call(journal, "a")
        path = journal.chain / "records-00000001.tsv"
        whole = path.read_bytes()
    later = path.read_bytes()[len(whole) :]
    path.write_bytes(whole[:-10])
    out = io.StringIO()
    pieces = iter([whole[-10:] + later[:20], later[20:]])

    def pause() -> bool:
        piece = next(pieces, None)
        if piece is not None:
            path.write_bytes(path.read_bytes() + piece)
        return piece is not None

    assert run_records(desk.evidence, follow=True, out=out, pause=pause) == 0
    assert [line.split()[2] for line in out.getvalue().splitlines()[1:]] == ["start", "intent", "outcome", "close"]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"only_open": True, "follow": True}, id="open-and-follow"),
        pytest.param({"key": Path("/nowhere/at-all.key")}, id="no-key"),
    ],
)
async def test_arguments_that_ask_for_nothing(desk: Desk, options: dict[str, Any]) -> None:
    code, text = show(desk, **options)
    assert code == 64
    assert text.startswith("agentgate records: ")


async def test_no_folder(tmp_path: Path) -> None:
    assert show(Desk(tmp_path))[0] == 64


async def test_a_line_that_is_none_ends_the_reading(desk: Desk) -> None:
    path = next(desk.evidence.glob("*/records-00000001.tsv"))
    path.write_bytes(path.read_bytes().replace(b'"granted"', b'"guessed"', 1))
    code, text = show(desk)
    assert code == 1
    assert text.splitlines()[-1].endswith("agentgate verify says more")


STRANGE: list[Callable[[Path], object]] = [
    os.mkfifo,
    Path.mkdir,
    lambda path: path.symlink_to("/dev/zero"),
    lambda path: path.symlink_to("records-00000001.tsv"),
]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("make", STRANGE, ids=["pipe", "folder", "endless-link", "link"])
async def test_what_is_no_file_is_not_read(make: Callable[[Path], object], desk: Desk) -> None:
    (first,) = desk.evidence.glob("*/records-00000001.tsv")
    make(first.with_name("records-00000002.tsv"))
    code, text = show(desk)
    assert code == 1
    assert text.splitlines()[-1].endswith("records-00000002.tsv is no regular file; agentgate verify says more")


async def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.journal() as journal:
        await journal.append(intent("\x1b[2J\u202e", secret=b"\x1b[31mred"))
    _, text = show(desk, key=private(desk))
    assert text.replace("\n", "").isprintable()
    assert "\\x1b[31mred" in text
