"""`agentgate pack show` and `pack html`: what a pack tells, for a terminal and for a browser."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from evidence.pack.archive import Archive
from evidence.pack.page import page
from evidence.pack.report import PackReport
from evidence.pack.steps import Trust, check_pack
from evidence.pack.story import Call, Story, Told, story_of
from evidence.pack.telling import told_by
from evidence.pack.verifying import Given
from evidence.printable import printable
from evidence.record import Kind
from evidence.verify import NothingToCheck

_TRUE: Final = 0
_NOT_TRUE: Final = 1
_USAGE: Final = 64


def run_show(path: Path, given: Given, out: TextIO) -> int:
    """Check a pack and print its calls; 0, 1 where something is wrong with it (then nothing of it is shown), 64."""
    try:
        report, records = _read(path, given.trust())
    except (NothingToCheck, OSError) as error:
        out.write(f"agentgate pack: {printable(error)}\n")
        return _USAGE
    if not report.ok:
        out.write(f"not shown, for something is wrong with it: {report.fault}\n(agentgate verify {path} says more)\n")
        return _NOT_TRUE
    out.writelines(f"{printable(line)}\n" for line in _lines(report, story_of(records)))
    return _TRUE


def run_html(path: Path, target: Path, given: Given, out: TextIO) -> int:
    """Check a pack and write its page, also where something is wrong: the page then says what, and nothing else."""
    try:
        report, records = _read(path, given.trust())
        with target.open("x", encoding="utf-8") as file:
            file.writelines(page(report, records))
    except FileExistsError:
        out.write(f"agentgate pack: {target} is there already: give another name with --out\n")
        return _USAGE
    except (NothingToCheck, OSError) as error:
        out.write(f"agentgate pack: {printable(error)}\n")
        return _USAGE
    out.write(f"{target}: {'nothing is wrong with the pack' if report.ok else f'FAILED: {report.fault}'}\n")
    return _TRUE if report.ok else _NOT_TRUE


def _read(path: Path, trust: Trust) -> tuple[PackReport, Sequence[Told]]:
    with _opened(path) as file:
        report = check_pack(file, trust)
        if not report.ok or report.manifest is None:
            return report, []
        return report, list(told_by(Archive(file), report.manifest))


def _opened(path: Path) -> BinaryIO:
    """The pack, to be read. Raises NothingToCheck."""
    try:
        return path.open("rb")
    except OSError as error:
        remedy = "name a file that agentgate pack export has written"
        raise NothingToCheck(f"{path} cannot be read: {error.strerror}: {remedy}") from error


def _lines(report: PackReport, story: Story) -> Iterator[str]:
    if report.manifest is not None:
        yield f"tenant {report.manifest.tenant}: {report.manifest.selection}"
    for call in story.calls:
        yield from _call(call)
    for told in story.others:
        yield f"{told.header.at}  {told.header.kind.value}  {told.text('event') or told.text('state')}  {_ref(told)}"
    for odd in story.anomalies:
        yield f"odd: {odd.kind}: {odd.what}  {_ref(odd.told)}"
    yield from (note.strip() for note in report.notes())


def _call(call: Call) -> Iterator[str]:
    subject = call.subject
    name = "/".join(filter(None, (subject.text("request", "upstream"), subject.text("request", "name"))))
    agent = subject.text("caller", "agent")
    yield f"{call.records[0].header.at}  {call.id}  {agent}  {name}  {call.result}  {call.reason}  {_ref(subject)}"
    approvals = sorted(
        [told for told in call.records if told.header.kind is Kind.APPROVAL] + call.approvals,
        key=lambda told: (told.chain, told.header.seq),
    )
    for told in approvals:
        yield f"    approval {told.text('state')}, {told.header.at}  {_ref(told)}"
    for told in call.records:
        for secret, content in told.texts.items():
            value = content.get("text", content.get("redacted", content.get("base64", "")))
            yield f"    {secret}: {value}  {_ref(told)}"


def _ref(told: Told) -> str:
    return f"[record {told.header.seq}]"
