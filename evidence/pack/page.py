"""A pack as one HTML page for people: verdict, calls, what was odd, and the record behind each statement. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from evidence.canonical import canonical
from evidence.pack.markup import PAGE_END, badge, block, code, items, page_head, rows, text, when
from evidence.pack.report import STEPS, PackReport, Step
from evidence.pack.story import Call, Story, Told, is_bad, story_of
from evidence.record import Kind

_EMPTY: Final = '<p class="dim">None.</p>'


def page(report: PackReport, records: Sequence[Told]) -> Iterator[str]:
    """The page in pieces. `records` are those of a pack in which nothing is wrong, else there are none."""
    manifest = report.manifest
    title = "Evidence pack" if manifest is None else f"Evidence pack of tenant {manifest.tenant}"
    story = story_of(records)
    yield page_head(title)
    yield f"<main><h1>{text(title)}</h1>"
    yield from _summary(report, story)
    yield f"<h2>Check, step by step</h2>{_steps(report)}"
    if report.ok:
        yield f"<h2>What was odd</h2>{_anomalies(story)}"
        yield "<h2>Calls</h2>"
        yield from map(_call, story.calls) if story.calls else [_EMPTY]
        yield f"<h2>Other records</h2>{_others(story.others)}"
        yield "<h2>Records behind it</h2>"
        yield from (_record(told) for told in records if told.body is not None)
    yield f"</main>{PAGE_END}"


def _summary(report: PackReport, story: Story) -> Iterator[str]:
    manifest = report.manifest
    if manifest is not None:
        what = f"{manifest.selection}; exported {manifest.exported_at} by {manifest.exported_by}"
        yield f'<p class="dim">{text(what)} (their word)</p>'
    if report.fault is not None:
        yield f'<div class="verdict bad">Not true: step {int(report.fault.step)}, {text(report.fault)}</div>'
        return
    pinned = "by the identity that was given" if report.pinned else "by an identity that the pack itself names"
    asserted = report.total("self_asserted")
    word = f"{asserted} records rest on the sidecar's word alone" if asserted else "every record is witnessed"
    kind = "good" if report.pinned and not asserted else "plain"
    yield f'<div class="verdict {kind}">Nothing is wrong: written {text(pinned)}; {text(word)}.</div>'
    results: dict[str, int] = {}
    for call in story.calls:
        results[call.result] = results.get(call.result, 0) + 1
    counted = ", ".join(f"{number} {result}" for result, number in sorted(results.items()))
    agents = {call.subject.text("caller", "agent") for call in story.calls} - {""}
    yield rows(
        [
            ("Calls", text(f"{len(story.calls)}: {counted}" if counted else "none")),
            ("Agents", ", ".join(map(text, sorted(agents)))),
            *((f"Chain {number}", _chain(report, number)) for number, _ in enumerate(report.parts, 1)),
            ("Decided by", items(map(text, story.policies))),
            ("Tool definitions", items(map(code, story.definitions))),
            ("SHA-256", code(report.digest)),
            ("Whose word", items(text(note.strip()) for note in report.notes())),
        ]
    )


def _chain(report: PackReport, number: int) -> str:
    part = report.parts[number - 1]
    first, last = part.first, part.last
    if first is None or last is None:
        return "no records"
    what = f"records {first.seq} to {last.seq}, {part.selected} of them selected"
    return f"{text(part.chain.sidecar)}, isolation {text(part.chain.isolation)}<br>{_span(first.at, last.at)}, {what}"


def _span(first: str, last: str) -> str:
    return f"{when(first)} to {when(last)}"


def _steps(report: PackReport) -> str:
    def row(step: Step) -> tuple[str, str]:
        verdict = report.verdict(step)
        kind = {"ok": "good", "FAILED": "bad"}.get(verdict, "plain")
        return str(int(step)), f"{badge(verdict, kind)} {text(STEPS[step])}"

    return rows(map(row, STEPS), "steps")


def _anomalies(story: Story) -> str:
    found = [f"{badge(odd.kind, 'bad')} {text(odd.what)} {_ref(odd.told)}" for odd in story.anomalies]
    return items(found) or _EMPTY


def _call(call: Call) -> str:
    subject = call.subject
    request = [subject.text("request", name) for name in ("upstream", "name")]
    name = "/".join(filter(None, request)) or subject.text("request", "method") or call.id
    kind = "bad" if is_bad(call.result) else "good"
    head = (
        f"<header><h3>{text(name)}</h3>{badge(call.result, kind)}"
        f'<span class="dim">{when(call.records[0].header.at)}</span></header>'
    )
    pairs = [
        ("Call", code(call.id)),
        ("Caller", _caller(subject)),
        ("Method", code(subject.text("request", "method"))),
        ("Decision", _decision(subject)),
        ("Reason", text(call.reason)),
        ("Approval", items(_approval(told) for told in _approvals(call))),
        ("Outcome", items(_outcome(told) for told in call.records if told.header.kind in {Kind.OUTCOME, Kind.LATE})),
        ("Other", items(_brief(told) for told in call.records if told.header.kind in {Kind.NOTICE, Kind.ORDER})),
    ]
    texts = "".join(_texts(told) for told in call.records)
    return f'<section class="call">{head}{rows(pairs)}{texts}</section>'


def _caller(told: Told) -> str:
    parts = [
        f"{name} {told.text('caller', name)}" for name in ("agent", "workload", "user") if told.text("caller", name)
    ]
    if told.text("session"):
        parts.append(f"session {told.text('session')}")
    return text(", ".join(parts)) if parts else ""


def _decision(told: Told) -> str:
    if not told.text("decision", "effect"):
        return ""
    rules = told.get("decision", "rules")
    by = f" by {', '.join(map(str, rules))}" if isinstance(rules, list) and rules else ""
    return f"{text(told.text('decision', 'effect'))}: {text(told.text('decision', 'reason') + by)} {_ref(told)}"


def _approvals(call: Call) -> list[Told]:
    found = [told for told in call.records if told.header.kind is Kind.APPROVAL] + call.approvals
    return sorted(found, key=lambda told: (told.chain, told.header.seq))


def _approval(told: Told) -> str:
    return f"{text(told.text('state'))}, {when(told.header.at)} {_ref(told)}"


def _outcome(told: Told) -> str:
    if told.header.kind is Kind.LATE:
        return f"a result came late, {when(told.header.at)} {_ref(told)}"
    parts = [f"delivery {told.text('delivery')}", f"effect {told.text('effect')}"]
    parts += [told.text("reason")] if told.text("reason") else []
    return f"<b>{text(told.text('outcome'))}</b>: {text(', '.join(parts))}, {when(told.header.at)} {_ref(told)}"


def _brief(told: Told) -> str:
    what = told.text("event") or told.text("action") or told.text("state")
    return f"{text(told.header.kind.value)} {text(what)} {when(told.header.at)} {_ref(told)}"


def _texts(told: Told) -> str:
    return "".join(f"<p><b>{text(name)}</b> {_ref(told)}</p>{_content(each)}" for name, each in told.texts.items())


def _content(content: Mapping[str, str]) -> str:
    if "text" in content:
        return block(content["text"])
    if "base64" in content:
        return f'<p class="dim">bytes, in base64:</p>{block(content["base64"])}'
    return f'<p class="dim">what redaction left of it (nothing proves this):</p>{block(content["redacted"])}'


def _others(others: Iterable[Told]) -> str:
    return items(_brief(told) for told in others) or _EMPTY


def _ref(told: Told) -> str:
    """Where the record behind a statement stands on the page."""
    return f'<a class="ref" href="#{_anchor(told)}">[record {told.header.seq}]</a>'


def _anchor(told: Told) -> str:
    return f"{told.chain}-{told.header.seq}"


def _record(told: Told) -> str:
    header = told.header
    pairs = [
        ("Chain", code(told.chain)),
        ("At", text(header.at)),
        ("Call", code(header.call) if header.call else ""),
        ("Link", code(told.link)),
        ("Before it", code(header.prev)),
        ("Body", block(canonical(told.body).decode())),
    ]
    return (
        f'<section class="record" id="{_anchor(told)}"><h3>Record {header.seq}: {text(header.kind.value)}</h3>'
        f"{rows(pairs)}</section>"
    )
