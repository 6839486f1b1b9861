"""Every way that we know to tamper with a chain, and the step that finds it. Rows of tables, with what makes them."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

from evidence.receipt import receipt_line
from evidence.record import body_hash, link_of
from evidence.signing import public_text
from tests.vectors.evidence.generate import CHAIN, Pen, good, incarnation_key

Files = dict[str, bytes]
FIRST, SECOND = "records-00000001.tsv", "records-00000002.tsv"

Edit = Callable[[Files], None]
"""What is done to the files of the good chain, by their names."""


class Tampered:
    """An edit, and the step that finds it (None: nobody can); `with_receipts` where the ledger's key is given."""

    def __init__(self, edit: Edit, rule: str | None, **with_key: str | None) -> None:
        self.edit = edit
        self.rule = {False: rule, True: with_key.get("with_receipts", rule)}


def in_turn(*edits: Edit) -> Edit:
    """One edit after the other."""

    def change(files: Files) -> None:
        for edit in edits:
            edit(files)

    return change


def in_file(name: str, edit: Callable[[list[bytes]], list[bytes]]) -> Edit:
    """An edit of the lines of one file."""

    def change(files: Files) -> None:
        files[name] = b"".join(edit(files[name].splitlines(keepends=True)))

    return change


def swapped(one: int, two: int, name: str = FIRST) -> Edit:
    def swap(lines: list[bytes]) -> list[bytes]:
        lines[one], lines[two] = lines[two], lines[one]
        return lines

    return in_file(name, swap)


def dropped(number: int, name: str = FIRST) -> Edit:
    return in_file(name, lambda lines: lines[:number] + lines[number + 1 :])


def doubled(number: int, name: str = FIRST) -> Edit:
    return in_file(name, lambda lines: lines[: number + 1] + lines[number:])


def replaced(old: bytes, new: bytes, name: str = FIRST) -> Edit:
    def change(files: Files) -> None:
        assert old in files[name]
        files[name] = files[name].replace(old, new, 1)

    return change


def cut(size: int, name: str = SECOND) -> Edit:
    def change(files: Files) -> None:
        files[name] = files[name][:-size]

    return change


def removed(*names: str) -> Edit:
    def change(files: Files) -> None:
        for name in names:
            del files[name]

    return change


def renamed(old: str, new: str) -> Edit:
    def change(files: Files) -> None:
        files[new] = files.pop(old)

    return change


def added(name: str, data: bytes) -> Edit:
    def change(files: Files) -> None:
        files[name] = files.get(name, b"") + data

    return change


def rolled_back(count: int) -> Edit:
    """The last lines are gone, heads and all."""
    return in_file(SECOND, lambda lines: lines[:-count])


def instead(pen: Pen) -> Edit:
    """Another chain, without receipts."""

    def change(files: Files) -> None:
        files.clear()
        files.update(pen.files())

    return change


def forged_tail(files: Files) -> None:
    """Who holds no key writes another end: all hashes are made anew behind the first record of the second segment."""
    lines, out, link = files[SECOND].splitlines(keepends=True), list[bytes](), b""
    for line in lines:
        if not line.startswith(b"record\t"):
            out.append(line)
            continue
        _, header, body, own = line.rstrip(b"\n").split(b"\t")
        if link:
            header = header[: header.index(b'"prev":"') + 8] + link + header[header.index(b'","seq"') :]
            header = header.replace(b'"kind":"heartbeat"', b'"kind":"tombstone"')
        elif b'"kind":"outcome"' in header:
            header = header.replace(b"2026", b"2027", 1)
        link = link_of(header).encode()
        assert own
        out.append(b"\t".join([b"record", header, body, link]) + b"\n")
    files[SECOND] = b"".join(out)


def another_history(files: Files) -> None:
    """A second history under the sidecar's own keys: true in itself, and not what the ledger has."""
    pen = Pen()
    pen.start()
    pen.call("call-9")
    pen.intent("call-2")
    pen.intent("call-3")
    pen.call("call-8")
    pen.call("call-7")
    pen.close()
    receipts = files["receipts.tsv"]
    instead(pen)(files)
    files["receipts.tsv"] = receipts


def another_certificate(files: Files) -> None:
    """The certificate of the second incarnation stands in the first."""
    start = files[FIRST].splitlines()[0].split(b"\t")
    other = next(line for line in files[SECOND].splitlines() if b'"kind":"start"' in line).split(b"\t")
    _edit_body(files, start[2], other[2])


def another_incarnation_key(files: Files) -> None:
    """The key that signs heads is exchanged, under the old certificate."""
    body = files[FIRST].splitlines()[0].split(b"\t")[2]
    true, other = (public_text(incarnation_key(number)).encode() for number in (1, 2))
    assert true in body
    _edit_body(files, body, body.replace(true, other))


def another_sidecar(files: Files) -> None:
    """Whoever has another identity writes all of it again."""
    pen = Pen()
    pen.start(by=2)
    pen.call("call-1")
    pen.close()
    files.update(pen.files())
    del files[SECOND]


def end_of_another_chain(files: Files) -> None:
    """The second segment is that of another chain of the same sidecar."""
    pen = Pen()
    pen.start()
    pen.call("call-9")
    pen.intent("call-2")
    pen.intent("call-3")
    pen.next_segment("call-2", "call-3")
    pen.close()
    files[SECOND] = pen.files()[SECOND]


def old_receipt_again(files: Files) -> None:
    """The tail is gone as far as the receipt that once stood there, and that one stands there again."""
    in_turn(rolled_back(6), in_file("receipts.tsv", lambda lines: lines[:1]))(files)


def receipt_by(number: int) -> Edit:
    """A receipt that the ledger's key of this number has signed; 1 is the right one."""
    return added("receipts.tsv", receipt_line(good().receipt(14, by=number)))


def _edit_body(files: Files, old: bytes, new: bytes) -> None:
    """Put another body into the first record and make its own hashes anew."""
    lines = files[FIRST].splitlines(keepends=True)
    _, header, body, _ = lines[0].rstrip(b"\n").split(b"\t")
    assert body == old
    header = header.replace(body_hash(old).encode(), body_hash(new).encode())
    lines[0] = b"\t".join([b"record", header, new, link_of(header).encode()]) + b"\n"
    files[FIRST] = b"".join(lines)


def segments_exchanged(files: Files) -> None:
    files[FIRST], files[SECOND] = files[SECOND], files[FIRST]


def ends_with(byte: bytes, name: str = SECOND) -> Edit:
    """Another last byte."""

    def change(files: Files) -> None:
        files[name] = files[name][:-1] + byte

    return change


def emptied(*names: str) -> Edit:
    return lambda files: files.update(dict.fromkeys(names, b""))


def old_head_again(files: Files) -> None:
    """A head of the first incarnation, behind the last record."""
    head = next(line for line in files[FIRST].splitlines(keepends=True) if line.startswith(b"head\t"))
    files[SECOND] += head


TAMPERED: Final[dict[str, Tampered]] = {
    "nothing": Tampered(lambda _: None, None),
    "a record dropped": Tampered(dropped(0), "links"),
    "a record dropped, its box left": Tampered(dropped(1), "boxes"),
    "a box dropped": Tampered(dropped(2), "boxes"),
    "a record doubled": Tampered(doubled(0), "links"),
    "a box doubled": Tampered(doubled(2), "boxes"),
    "a head doubled": Tampered(doubled(5), "heads"),
    "two boxes exchanged": Tampered(swapped(2, 4), "boxes"),
    "two records exchanged": Tampered(swapped(1, 3), "links"),
    "a head before its record": Tampered(swapped(0, 5), "heads"),
    "the segments exchanged": Tampered(segments_exchanged, "links"),
    "the first segment missing": Tampered(removed(FIRST), "files", with_receipts=None),
    "the first segment and the receipts missing": Tampered(removed(FIRST, "receipts.tsv"), "files"),
    "the last segment missing": Tampered(removed(SECOND), None, with_receipts="receipts"),
    "a segment left out": Tampered(renamed(SECOND, "records-00000003.tsv"), "files"),
    "a segment spelled otherwise": Tampered(renamed(SECOND, "records-000000002.tsv"), "files"),
    "a segment of number zero": Tampered(renamed(FIRST, "records-00000000.tsv"), "files"),
    "an empty first segment": Tampered(emptied(FIRST), "links"),
    "no segment at all": Tampered(removed(FIRST, SECOND), None, with_receipts="receipts"),
    "all records missing": Tampered(emptied(FIRST, SECOND), None, with_receipts="receipts"),
    "a stray file": Tampered(added("notes.txt", b"hello"), "files"),
    "the first segment torn": Tampered(cut(3, FIRST), "files"),
    "the last line torn": Tampered(cut(3), None),
    "the last line end gone": Tampered(cut(1), None),
    "the last line end changed": Tampered(ends_with(b" "), "records"),
    "the tail rolled back by its head": Tampered(rolled_back(1), None),
    "the tail rolled back by its head and record": Tampered(rolled_back(2), None, with_receipts="receipts"),
    "the tail rolled back by an incarnation": Tampered(rolled_back(6), None, with_receipts="receipts"),
    "the tail forged": Tampered(forged_tail, "heads", with_receipts="receipts"),
    "another history": Tampered(another_history, None, with_receipts="receipts"),
    "an old head again": Tampered(old_head_again, "heads"),
    "a foreign certificate": Tampered(another_certificate, "keys", with_receipts="receipts"),
    "another key of the incarnation": Tampered(another_incarnation_key, "keys", with_receipts="receipts"),
    "a carriage return": Tampered(replaced(b"\n", b"\r\n"), "records"),
    "an empty line": Tampered(replaced(b"\n", b"\n\n"), "records"),
    "a field too many": Tampered(replaced(b"\n", b"\t\n"), "records"),
    "a respelled header": Tampered(replaced(b'"boot":', b'"boot": '), "records"),
    "another version": Tampered(replaced(b'"v":1', b'"v":2'), "records"),
    "a key line doubled": Tampered(doubled(0, "keys.jsonl"), "boxes"),
    "a key changed": Tampered(replaced(b"session", b"sessiom", "keys.jsonl"), "boxes"),
    "a key torn": Tampered(cut(9, "keys.jsonl"), None),
    "a key's line end changed": Tampered(ends_with(b"x", "keys.jsonl"), "records"),
    "a key respelled": Tampered(replaced(b'{"id"', b'{ "id"', "keys.jsonl"), "boxes"),
    "the keys missing": Tampered(removed("keys.jsonl"), None),
    "the reserve missing": Tampered(removed("reserve"), None),
    "something in the reserve": Tampered(added("reserve", b"x"), "files"),
    "a receipt doubled": Tampered(doubled(0, "receipts.tsv"), None),
    "the receipts missing": Tampered(removed("receipts.tsv"), None),
    "a receipt torn": Tampered(cut(1, "receipts.tsv"), "receipts"),
    "an empty line of receipts": Tampered(added("receipts.tsv", b"\n"), "receipts"),
    "a receipt changed": Tampered(
        replaced(b"example/log", b"example/lag", "receipts.tsv"), None, with_receipts="receipts"
    ),
    "a receipt by another ledger": Tampered(receipt_by(2), None, with_receipts="receipts"),
    "a receipt over a later record": Tampered(rolled_back(4), None, with_receipts="receipts"),
    "an old receipt over a tail rolled back": Tampered(old_receipt_again, None),
    "another identity": Tampered(another_sidecar, "keys", with_receipts="receipts"),
    "the end of another chain": Tampered(end_of_another_chain, "links"),
    "a head among receipts": Tampered(added("receipts.tsv", b'head\t"x"\n'), "receipts"),
}


def good_files() -> Files:
    """The good chain with two receipts, the later one over all of it."""
    pen = good()
    return {**pen.files(), "receipts.tsv": b"".join(receipt_line(pen.receipt(seq)) for seq in (6, 14))}


def evidence(tmp_path: Path, edit: Edit) -> Path:
    """A folder with the good chain in it, edited."""
    files = good_files()
    edit(files)
    chain = tmp_path / "evidence" / CHAIN
    chain.mkdir(parents=True)
    for name, data in files.items():
        (chain / name).write_bytes(data)
    return chain.parent


def places(line: bytes) -> Iterator[int]:
    """Where to change one bit of a line: the beginning, middle and end of each of its fields and members."""
    bounds = [0, *(at for at, byte in enumerate(line) if byte in b'\t,:"'), len(line) - 1]
    for one, two in pairwise(bounds):
        yield from {one, (one + two) // 2}
    yield len(line) - 1


def lines() -> Iterator[tuple[str, int, bytes]]:
    """A line of each kind: its file, where it begins there, and what it is."""
    files = good_files()
    seen = set[bytes]()
    for name in (FIRST, "keys.jsonl", "receipts.tsv"):
        start = 0
        for line in files[name].splitlines(keepends=True):
            kind = line.split(b"\t")[0][:6] + (b"-start" if b'"kind":"start"' in line else b"")
            if kind not in seen:
                seen.add(kind)
                yield name, start, line
            start += len(line)
