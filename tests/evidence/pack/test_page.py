"""The page of a pack: what it says, and that nothing that a tool has written can be anything but text on it."""

import re
from html.parser import HTMLParser
from io import BytesIO, StringIO
from pathlib import Path

import pytest

from evidence.pack.archive import Archive
from evidence.pack.page import page
from evidence.pack.showing import run_html, run_show
from evidence.pack.steps import Trust, check_pack
from evidence.pack.story import story_of
from evidence.pack.telling import told_by
from evidence.pack.verifying import Given
from evidence.record import Kind
from tests.evidence.pack.parcels import TRUST, Counter, intended, last_of, story
from tests.vectors.evidence.generate import Pen

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "</pre></section><h1>forged</h1>",
    "javascript:alert(3)",
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe\x1b[31m\0",
    "</style><style>*{display:none}",
    "&lt;script&gt;&#x3c;",
)


def _read(pack: bytes, trust: Trust = TRUST) -> str:
    report = check_pack(BytesIO(pack), trust)
    archive = Archive(BytesIO(pack))
    records = list(told_by(archive, report.manifest)) if report.ok and report.manifest else []
    return "".join(page(report, records))


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.links: set[str] = set()
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name == "href"}
        self.ids |= {value or "" for name, value in attrs if name == "id"}


def _elements(text: str) -> _Elements:
    parser = _Elements()
    parser.feed(text)
    return parser


@pytest.mark.parametrize("text", HOSTILE)
def test_what_others_wrote_is_text(tmp_path: Path, text: str) -> None:
    pen = Pen()
    pen.start()
    intended(pen, text, text, text, text)
    pen.write(
        Kind.OUTCOME, {"outcome": "failed", "delivery": text, "effect": text, "reason": text}, text, x=text.encode()
    )
    pen.write(Kind.NOTICE, {"event": text})
    pen.close()
    found = _read(Counter.opened(tmp_path, pen).pack(by=text))
    elements, harmless = _elements(found), _elements(_read(Counter.opened(tmp_path / "harmless").pack()))
    assert elements.tags <= harmless.tags
    assert elements.attributes <= harmless.attributes
    assert elements.links == {f"#{place}" for place in elements.ids if f"#{place}" in elements.links}
    assert found.count("<style>") == found.count("<h1>") == 1
    assert not re.search("[\0-\x09\x0b-\x1f\x7f\u202a-\u202e]", found)


def test_each_statement_leads_to_its_record(tmp_path: Path) -> None:
    elements = _elements(_read(Counter.opened(tmp_path).pack()))
    assert elements.links
    assert {link.removeprefix("#") for link in elements.links} <= elements.ids


@pytest.mark.parametrize(
    ("trust", "said"),
    [
        pytest.param(TRUST, "every record is witnessed", id="all keys"),
        pytest.param(Trust(), "15 records rest on the sidecar&#x27;s word alone", id="no key"),
        pytest.param(Trust(digest="0" * 64), "Not true: step 1", id="another file"),
    ],
)
def test_the_verdict(tmp_path: Path, trust: Trust, said: str) -> None:
    found = _read(Counter.opened(tmp_path).pack(), trust)
    assert said in found
    assert ("billing-bot" in found) == ("Not true" not in found)


def test_what_was_odd(tmp_path: Path) -> None:
    pen = story()
    pen.start()
    pen.write(Kind.HEARTBEAT, {})
    pen.moment += 700
    pen.close()
    counter = Counter.opened(tmp_path, pen)
    path, _ = counter.export()
    report = check_pack(BytesIO(path.read_bytes()), TRUST)
    assert report.manifest is not None
    found = story_of(told_by(Archive(BytesIO(path.read_bytes())), report.manifest))
    odd = [(each.kind, each.told.header.seq) for each in found.anomalies]
    assert odd == [("loss", 11), ("crash", 12), ("unknown outcome", 13), ("silence", last_of(pen))]
    assert [(call.id, call.result, len(call.approvals)) for call in found.calls] == [
        ("call-1", "completed", 0),
        ("call-2", "unknown", 1),
        ("call-3", "failed", 0),
        ("call-4", "refused", 0),
    ]
    assert found.policies == ["data 7, policy starter-1"]


def test_the_commands(tmp_path: Path) -> None:
    path, _ = Counter.opened(tmp_path).export()
    out = StringIO()
    assert run_show(path, Given(), out) == 0
    assert 'input: {"path":"/srv/call-1"}  [record 2]' in out.getvalue()
    assert run_html(path, tmp_path / "page.html", Given(), out) == 0
    assert run_html(path, tmp_path / "page.html", Given(), out) == 64
    path.write_bytes(path.read_bytes()[:-1])
    assert run_show(path, Given(), out) == 1
    assert run_html(path, tmp_path / "other.html", Given(), out) == 1
    assert "Not true: step 1" in (tmp_path / "other.html").read_text()
    assert run_show(tmp_path / "none.agentgate", Given(), out) == 64
