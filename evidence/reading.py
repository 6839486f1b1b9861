"""`agentgate records`: what was recorded, as a table or as one JSON object a line; opened with a tenant's private key.

It shows; it does not prove. `agentgate verify` proves.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

import orjson

from evidence.keys import KeyProblem, tenant_private
from evidence.printable import printable
from evidence.record import Kind
from evidence.tailing import FolderTail, Found, Unreadable
from evidence.unsealing import Unsealer

_TRUE: Final = 0
_NOT_TRUE: Final = 1
_USAGE: Final = 64
_PAUSE_SECONDS: Final = 0.3
_COLUMNS: Final = (
    ("at", 23),
    ("seq", 6),
    ("kind", 9),
    ("call", 8),
    ("caller", 16),
    ("method", 20),
    ("name", 24),
    ("result", 16),
    ("reason", 0),
)


def run_records(
    folder: Path,
    *,
    call: str | None = None,
    only_open: bool = False,
    follow: bool = False,
    as_json: bool = False,
    key: Path | None = None,
    out: TextIO,
    pause: Callable[[], bool] | None = None,
) -> int:
    """Print the records of an evidence folder, oldest first, and give the exit code (0, 1 unreadable, 64 usage).

    `call` is the beginning of a call's id; `only_open` shows the intents that have no outcome; `key` is the file of
    a tenant's private key. With `follow`, `pause` waits for more and says whether to go on.
    """
    try:
        view = _View(Unsealer(tenant_private(key)) if key else None, as_json=as_json)
        _check_arguments(folder, only_open=only_open, follow=follow)
    except (KeyProblem, _BadArguments) as error:
        out.write(f"agentgate records: {printable(error)}\n")
        return _USAGE
    tail = FolderTail(folder)
    out.write("" if as_json else _header())
    try:
        found = tail.more()
        for item in _still_open(found) if only_open else found:
            _show(item, view, call, out)
        while follow and (pause or _wait)():
            for item in tail.more():
                _show(item, view, call, out)
            out.flush()
    except Unreadable as error:
        out.write(f"agentgate records: {printable(error)}; agentgate verify says more\n")
        return _NOT_TRUE
    return _TRUE


class _BadArguments(Exception):
    """Arguments that ask for nothing that there is."""


def _check_arguments(folder: Path, *, only_open: bool, follow: bool) -> None:
    if not folder.is_dir():
        raise _BadArguments(f"{folder}: no such folder")
    if only_open and follow:
        raise _BadArguments("--open and --follow exclude each other: what is open is known at the end")


def _wait() -> bool:
    time.sleep(_PAUSE_SECONDS)
    return True


def _still_open(found: Iterable[Found]) -> Iterable[Found]:
    intents: dict[str | None, Found] = {}
    for item in found:
        header = item.record.header
        if header.kind is Kind.INTENT:
            intents[header.call] = item
        elif header.kind is Kind.OUTCOME:
            intents.pop(header.call, None)
    return intents.values()


def _show(found: Found, view: "_View", call: str | None, out: TextIO) -> None:
    subject = view.subject(found)
    if call is None or (found.record.header.call or "").startswith(call):
        out.writelines(view.lines(found, subject))


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whom and what a call is about: its intent says it, its outcome is shown with it."""

    caller: str = ""
    method: str = ""
    name: str = ""


class _View:
    """Turns records into lines; remembers the subject of each open call."""

    def __init__(self, opener: Unsealer | None, *, as_json: bool) -> None:
        self._opener = opener
        self._as_json = as_json
        self._subjects: dict[str, _Subject] = {}

    def lines(self, found: Found, subject: _Subject) -> Iterator[str]:
        """The lines of one record, their line ends included."""
        opened = self._opener.open(found) if self._opener else None
        if self._as_json:
            return iter([_json_line(found, opened, asked=self._opener is not None)])
        return _table_lines(found, subject, opened or {})

    def subject(self, found: Found) -> _Subject:
        """Whom and what a record is about; each record is asked for once, in order."""
        record = found.record
        call = record.header.call or ""
        if record.header.kind is Kind.OUTCOME:
            return self._subjects.pop(call, _Subject())
        subject = self._subjects.get(call) or _subject_of(record.body)
        if record.header.kind is Kind.INTENT:
            self._subjects[call] = subject
        return subject


def _subject_of(body: Mapping[str, Any]) -> _Subject:
    caller, request = _object(body, "caller"), _object(body, "request")
    messages = body.get("messages")
    methods = [str(message.get("method")) for message in messages or () if isinstance(message, dict)]
    return _Subject(
        str(caller.get("agent") or ""),
        str(request.get("method") or ", ".join(methods)),
        str(request.get("name") or request.get("upstream") or body.get("upstream") or ""),
    )


def _json_line(found: Found, opened: dict[str, Any] | None, *, asked: bool) -> str:
    """One object; `opened` is there if a key was given and something is sealed, and null if that does not open."""
    header, body = orjson.loads(found.record.header_bytes), orjson.loads(found.record.body_bytes)
    line = {"chain": found.chain.name, "header": header, "body": body}
    shown = {**line, "opened": opened} if asked and found.box is not None else line
    return orjson.dumps(shown).decode() + "\n"


def _table_lines(found: Found, subject: _Subject, opened: Mapping[str, Any]) -> Iterator[str]:
    header, body = found.record.header, found.record.body
    result, reason = _result(body)
    yield _row(
        (
            header.at[:23],
            str(header.seq),
            header.kind.value,
            (header.call or "")[:8],
            subject.caller,
            subject.method,
            subject.name,
            result,
            reason,
        )
    )
    yield from (f"    {printable(name)}: {printable(value)}\n" for name, value in opened.items())


def _result(body: Mapping[str, Any]) -> tuple[str, str]:
    """What came of it and why: an outcome, a refusal's code, the decision's effect, a notice's event."""
    if "outcome" in body:
        return str(body["outcome"]), str(body.get("reason") or "")
    refusal, decision = _object(body, "refusal"), _object(body, "decision")
    if refusal:
        return "refused", str(refusal.get("code") or "")
    if decision:
        return str(decision.get("effect") or ""), str(decision.get("reason") or "")
    return str(body.get("event") or ""), str(body.get("reason") or "")


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _header() -> str:
    return _row(tuple(name for name, _ in _COLUMNS))


def _row(cells: tuple[str, ...]) -> str:
    padded = (printable(cell).ljust(width) for cell, (_, width) in zip(cells, _COLUMNS, strict=True))
    return "  ".join(padded).rstrip() + "\n"
