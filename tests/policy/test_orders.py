"""The order file: numbered, signed, chained, watched; and what a sidecar does when somebody edits it."""

import asyncio
import io
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from evidence.clock import SystemClock
from evidence.files import make_folder
from evidence.keys import load_or_make, signing_key
from policy.containment import OrderKind, Orders, Scope
from policy.json_file import MISSING, read_json, write_json
from policy.locking import locked
from policy.order_chain import BadOrders, decode
from policy.orders import FILE, KEY, WATERMARK, OrderFile, OrdersProblem, run_order
from tests.peers.places import ROOT

_OTHER_USER = 65534


def _issue(state: Path, kind: OrderKind = "kill", agent: str = "bot") -> None:
    out = io.StringIO()
    code = run_order(state, kind, Scope(agent=agent), reason="test", issuer="operator", clock=SystemClock(), out=out)
    assert code == 0


def test_orders_stand_from_the_start(tmp_path: Path) -> None:
    _issue(tmp_path)
    orders = OrderFile.open(tmp_path).orders
    assert [(order.number, order.kind, order.scope.agent) for order in orders.standing] == [(1, "kill", "bot")]


def test_a_release_ends_the_order_of_its_scope(tmp_path: Path) -> None:
    _issue(tmp_path)
    _issue(tmp_path, agent="other")
    _issue(tmp_path, "release")
    assert [order.scope.agent for order in OrderFile.open(tmp_path).orders.standing] == ["other"]


def test_an_order_without_a_scope_is_not_issued(tmp_path: Path) -> None:
    out = io.StringIO()
    assert run_order(tmp_path, "kill", Scope(), reason="", issuer="me", clock=SystemClock(), out=out) == 64
    assert OrderFile.open(tmp_path).orders == Orders()
    assert "--agent" in out.getvalue()


async def test_a_running_sidecar_obeys_within_two_polls(tmp_path: Path) -> None:
    book = OrderFile.open(tmp_path)
    seen: asyncio.Queue[Orders] = asyncio.Queue()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(book.watch(seen.put_nowait))
        await asyncio.to_thread(_issue, tmp_path)
        assert [order.kind for order in (await seen.get()).standing] == ["kill"]
        await asyncio.to_thread(_issue, tmp_path, "release")
        assert (await seen.get()).standing == ()
        watching.cancel()


def _change_a_byte(data: bytes) -> bytes:
    return data.replace(b"test", b"tost", 1)


def _drop_the_first(data: bytes) -> bytes:
    return data.split(b"\n", 1)[1]


def _drop_the_last(data: bytes) -> bytes:
    return b"\n".join(data.split(b"\n")[:-2]) + b"\n"


def _swap(data: bytes) -> bytes:
    first, second, rest = data.split(b"\n", 2)
    return b"\n".join((second, first, rest))


def _empty(_: bytes) -> bytes:
    return b""


def _end_lines_otherwise(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


def _respell_the_signature(data: bytes) -> bytes:
    """64 bytes leave four bits of the last base64 digit unused: Python's decoder ignores them."""
    head, _, tail = data.rpartition(b'=="}')
    return head[:-1] + (b"B" if head.endswith(b"A") else bytes([head[-1] + 1])) + b'=="}' + tail


def _become_a_list(_: bytes) -> bytes:
    return b"[]\n"


def _become_deep(_: bytes) -> bytes:
    return b"[" * 5000 + b"]" * 5000 + b"\n"


EDITS = pytest.mark.parametrize(
    "edit",
    [
        _change_a_byte,
        _drop_the_first,
        _drop_the_last,
        _swap,
        _empty,
        _end_lines_otherwise,
        _respell_the_signature,
        _become_a_list,
        _become_deep,
    ],
    ids=lambda edit: edit.__name__.strip("_"),
)


@EDITS
def test_an_edited_file_is_refused_at_start(tmp_path: Path, edit: Callable[[bytes], bytes]) -> None:
    _issue(tmp_path)
    _issue(tmp_path, agent="other")
    path = tmp_path / FILE
    path.write_bytes(edit(path.read_bytes()))
    with pytest.raises(OrdersProblem, match="restore"):
        OrderFile.open(tmp_path)


@EDITS
def test_an_edited_file_leaves_a_running_sidecar_its_orders(tmp_path: Path, edit: Callable[[bytes], bytes]) -> None:
    _issue(tmp_path)
    _issue(tmp_path, agent="other")
    book = OrderFile.open(tmp_path)
    path = tmp_path / FILE
    good = path.read_bytes()
    path.write_bytes(edit(good))
    assert not book.poll()
    assert len(book.orders.standing) == 2
    assert book.problem() is not None
    path.write_bytes(good)
    assert not book.poll()
    assert book.problem() is None


def test_a_file_that_went_away_is_noticed(tmp_path: Path) -> None:
    _issue(tmp_path)
    (tmp_path / FILE).unlink()
    with pytest.raises(OrdersProblem, match="order 1 was there"):
        OrderFile.open(tmp_path)


def test_a_damaged_watermark_is_refused(tmp_path: Path) -> None:
    _issue(tmp_path)
    (tmp_path / WATERMARK).write_text("none")
    with pytest.raises(OrdersProblem, match=WATERMARK):
        OrderFile.open(tmp_path)


def test_half_a_line_is_no_order_and_is_written_over(tmp_path: Path) -> None:
    _issue(tmp_path)
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes() + b'{"order":')
    book = OrderFile.open(tmp_path)
    assert book.orders.number == 1
    _issue(tmp_path, agent="other")
    assert book.poll()
    assert book.orders.number == 2


def test_half_a_line_that_stays_is_a_problem(tmp_path: Path) -> None:
    _issue(tmp_path)
    book = OrderFile.open(tmp_path)
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes() + b'{"order":')
    for _ in range(30):
        assert not book.poll()
    assert "not complete" in str(book.problem())
    assert book.orders.number == 1


@pytest.mark.parametrize("known", range(4))
def test_a_chain_goes_on_where_it_was_left(tmp_path: Path, known: int) -> None:
    for agent in ("a", "b", "c"):
        _issue(tmp_path, agent=agent)
    text = (tmp_path / FILE).read_bytes()
    key = signing_key(tmp_path, KEY).public_key()
    start = b"".join(text.splitlines(keepends=True)[:known])
    assert decode(text[len(start) :], key, decode(start, key)) == decode(text, key)


def test_a_line_that_does_not_follow_is_named_by_its_place_in_the_file(tmp_path: Path) -> None:
    for agent in ("a", "b", "c"):
        _issue(tmp_path, agent=agent)
    first, _, third = (tmp_path / FILE).read_bytes().splitlines(keepends=True)
    key = signing_key(tmp_path, KEY).public_key()
    with pytest.raises(BadOrders, match="line 2: does not follow"):
        decode(third, key, decode(first, key))


def test_an_order_after_an_edited_beginning_does_not_count(tmp_path: Path) -> None:
    _issue(tmp_path)
    book = OrderFile.open(tmp_path)
    _issue(tmp_path, agent="other")
    path = tmp_path / FILE
    path.write_bytes(_change_a_byte(path.read_bytes()))
    assert not book.poll()
    assert book.orders.number == 1
    assert "line 1" in str(book.problem())


def test_an_order_stands_although_its_mark_cannot_be_kept(tmp_path: Path) -> None:
    book = OrderFile.open(tmp_path)
    _append_elsewhere(tmp_path)
    held = sorted(tmp_path.iterdir())
    with _limited(resource.RLIMIT_FSIZE, 0):
        assert book.poll()
        assert [order.kind for order in book.orders.standing] == ["kill"]
        assert WATERMARK in (book.problem() or "")
        assert not book.poll()
    assert sorted(tmp_path.iterdir()) == held
    assert not book.poll()
    assert book.problem() is None
    assert (tmp_path / WATERMARK).exists()


@contextmanager
def _limited(what: int, most: int) -> Iterator[None]:
    """Less of a resource of this process, for a while."""
    before = resource.getrlimit(what)
    resource.setrlimit(what, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, before)


@contextmanager
def _under_another_user() -> Iterator[None]:
    """Under a user whom root's files are closed to; only root can become one."""
    before = os.geteuid(), os.getegid()
    if before[0] == 0:
        os.setegid(_OTHER_USER)
        os.seteuid(_OTHER_USER)
    try:
        yield
    finally:
        os.seteuid(before[0])
        os.setegid(before[1])


@contextmanager
def _closed(path: Path) -> Iterator[None]:
    """Who runs this may not read the file; it is the same file afterwards, but for the time of its change."""
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        with _under_another_user():
            yield
    finally:
        path.chmod(mode)


@contextmanager
def _damaged(path: Path) -> Iterator[None]:
    held = path.read_bytes()
    path.write_bytes(b"none")
    try:
        yield
    finally:
        path.write_bytes(held)


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that another user gets at, and owns where this is root."""
    with tempfile.TemporaryDirectory() as made:
        if os.geteuid() == 0:
            os.chown(made, _OTHER_USER, _OTHER_USER)
        yield Path(made)


@pytest.mark.parametrize(
    "hindered",
    [
        pytest.param(lambda _: _limited(resource.RLIMIT_NOFILE, 0), id="emfile"),
        pytest.param(lambda state: _closed(state / FILE), id="eacces"),
        pytest.param(lambda state: _closed(state / WATERMARK), id="eacces-of-the-mark"),
        pytest.param(lambda state: _closed(state), id="eacces-of-the-folder"),
        pytest.param(lambda state: _damaged(state / WATERMARK), id="a-damaged-mark"),
    ],
)
def test_an_order_is_read_once_it_can_be(
    open_place: Path, hindered: Callable[[Path], AbstractContextManager[None]]
) -> None:
    _issue(open_place, agent="before")
    book = OrderFile.open(open_place)
    _issue(open_place)
    with hindered(open_place):
        assert not book.poll()
        assert str(open_place) in (book.problem() or "")
    assert book.poll()
    assert [order.scope.agent for order in book.orders.standing] == ["before", "bot"]
    assert book.problem() is None


def test_a_folder_that_was_closed_for_a_while_is_no_problem_afterwards(open_place: Path) -> None:
    _issue(open_place)
    book = OrderFile.open(open_place)
    with _closed(open_place):
        assert not book.poll()
        assert book.problem() is not None
    assert not book.poll()
    assert book.problem() is None


def test_a_change_that_leaves_size_and_time_is_seen(open_place: Path) -> None:
    _issue(open_place, agent="before")
    book = OrderFile.open(open_place)
    path = open_place / FILE
    held = path.stat()
    _issue(open_place)
    text = path.read_bytes()
    path.write_bytes(b" " * len(text))
    os.utime(path, ns=(held.st_atime_ns, held.st_mtime_ns))
    assert not book.poll()
    path.write_bytes(text)
    os.utime(path, ns=(held.st_atime_ns, held.st_mtime_ns))
    assert book.poll()


def test_an_order_of_root_is_readable_by_the_owner_of_the_folder(open_place: Path) -> None:
    with _under_another_user():
        book = OrderFile.open(open_place)
    _issue(open_place)
    owner = open_place.stat().st_uid
    assert [(open_place / name).stat().st_uid for name in (FILE, WATERMARK)] == [owner, owner]
    with _under_another_user():
        assert book.poll()
        book.issue("kill", Scope(agent="other"), "test", "operator", "2026-01-01T00:00:00Z")
    assert book.orders.number == 2


def test_the_keys_that_an_order_of_root_makes_are_the_folder_owners(open_place: Path) -> None:
    """The very first command of all: no sidecar has started here yet."""
    _issue(open_place)
    keys = open_place / "keys"
    owner = open_place.stat()
    made = [keys, *keys.iterdir()]
    assert len(made) == 3
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {(owner.st_uid, owner.st_gid)}
    with _under_another_user():
        assert OrderFile.open(open_place).orders.number == 1
        load_or_make(open_place, ["acme"])


def test_folders_above_that_root_makes_are_the_owners_too(open_place: Path) -> None:
    state = open_place / "agentgate" / "state"
    _issue(state)
    owner = open_place.stat().st_uid
    assert {path.stat().st_uid for path in (state.parent, state, state / "keys")} == {owner}
    with _under_another_user():
        assert OrderFile.open(state).orders.number == 1


def test_a_folder_that_cannot_be_made_is_named_and_leaves_nothing(open_place: Path) -> None:
    (open_place / "state").touch()
    with pytest.raises(OSError, match="state") as failed:
        make_folder(open_place / "state")
    assert failed.value.filename == str(open_place / "state")
    assert [path.name for path in open_place.iterdir()] == ["state"]


def test_a_folder_that_takes_the_place_of_another_is_not_given_away(
    open_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who owns the folder renames something of root's to where root has just made a folder."""
    elsewhere = open_place / "roots"
    elsewhere.mkdir(mode=0o700)
    os.chown(elsewhere, os.geteuid(), os.getegid())
    (elsewhere / "held").touch()
    before = elsewhere.stat().st_uid
    mkdir = os.mkdir

    def swapped(name: str, mode: int, *, dir_fd: int) -> None:
        mkdir(name, mode, dir_fd=dir_fd)
        os.rename(name, "moved", src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
        os.rename("roots", name, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)

    if os.geteuid() == 0:
        monkeypatch.setattr(os, "mkdir", swapped)
    make_folder(open_place / "keys")
    found = next(path for path in open_place.rglob("held")).parent
    assert found.stat().st_uid == before


def test_what_a_command_of_root_writes_is_the_folder_owners(open_place: Path) -> None:
    with locked(open_place, "grants.lock"):
        write_json(open_place / "grants.json", {"version": 1, "grants": []})
    owner = open_place.stat().st_uid
    assert [path.stat().st_uid for path in open_place.iterdir()] == [owner, owner]
    with _under_another_user(), locked(open_place, "grants.lock"):
        write_json(open_place / "grants.json", {"version": 1, "grants": []})
        assert read_json(open_place / "grants.json") != MISSING


def test_a_file_is_not_replaced_through_a_link(open_place: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"held")
    (open_place / f".grants.json.{os.getpid()}").symlink_to(elsewhere)
    write_json(open_place / "grants.json", {})
    assert elsewhere.read_bytes() == b"held"


def test_a_file_is_not_given_away_through_a_link(open_place: Path, tmp_path: Path) -> None:
    """Who owns the folder could have root make, and hand over, a file anywhere."""
    OrderFile.open(open_place)
    elsewhere = tmp_path / "elsewhere"
    (open_place / FILE).symlink_to(elsewhere)
    with pytest.raises(OrdersProblem, match=FILE):
        OrderFile.open(open_place).issue("kill", Scope(agent="bot"), "test", "operator", "2026-01-01T00:00:00Z")
    assert not elsewhere.exists()


@pytest.mark.parametrize("kind", ["kill", "release"])
def test_an_order_that_was_written_in_part_is_not_reported(tmp_path: Path, kind: OrderKind) -> None:
    _issue(tmp_path)
    path = tmp_path / FILE
    held = path.read_bytes()
    with _limited(resource.RLIMIT_FSIZE, len(held) + 100), pytest.raises(OrdersProblem, match="only in part"):
        _issue(tmp_path, kind)
    assert path.read_bytes() == held
    _issue(tmp_path, kind)
    assert OrderFile.open(tmp_path).orders.number == 2


def _append_elsewhere(state: Path) -> None:
    """Another process issues an order; its mark is not there yet."""
    script = (
        "import sys; from pathlib import Path; from evidence.clock import SystemClock;"
        "from policy.containment import Scope; from policy.orders import OrderFile;"
        "state = Path(sys.argv[1]); file = OrderFile.open(state); file._remember = lambda: None;"
        "file.issue('kill', Scope(agent='bot'), 'test', 'operator', SystemClock().now().rfc3339())"
    )
    subprocess.run([sys.executable, "-c", script, state], cwd=ROOT, check=True)
