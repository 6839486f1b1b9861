"""The lines of a segment: what is written is read back, and nothing else is read at all."""

import base64

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from evidence.canonical import canonical
from evidence.line import Box, Note, box_line, note_line, read_line
from evidence.record import (
    GENESIS,
    BadLine,
    Header,
    Kind,
    Record,
    body_hash,
    encode_body,
    encode_header,
    link_of,
    record_line,
)

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_DIGEST = st.binary(min_size=32, max_size=32).map(bytes.hex)
_HEADERS = st.builds(
    Header,
    kind=st.sampled_from(Kind),
    sidecar=_TEXT,
    incarnation=_TEXT,
    seq=st.integers(0, 2**53),
    prev=_DIGEST,
    at=_TEXT,
    boot=st.integers(0, 2**53),
    call=st.none() | _TEXT,
    tenant=_TEXT,
    body_hash=_DIGEST,
)


@given(_HEADERS)
def test_a_header_is_canonical_as_it_is_written(header: Header) -> None:
    written = encode_header(header)
    assert canonical(orjson.loads(written)) == written


@given(_HEADERS, st.dictionaries(_TEXT, _TEXT | st.floats(allow_nan=False, allow_infinity=False), max_size=4))
def test_a_record_is_read_as_it_was_written(header: Header, body: dict[str, object]) -> None:
    body.pop("sealed", None)
    data = encode_body(body)
    header = structs.replace(header, body_hash=body_hash(data))
    encoded = encode_header(header)
    line = record_line(encoded, data, link_of(encoded))
    assert line.count(b"\n") == 1
    assert read_line(line[:-1]) == Record(header, body, link_of(encoded), encoded, data, None)


@given(st.binary(max_size=200))
def test_a_box_is_read_as_it_was_written(box: bytes) -> None:
    assert read_line(box_line(box)[:-1]) == Box(box)


@given(_TEXT)
def test_a_head_is_read_as_it_was_written(text: str) -> None:
    line = note_line(text)
    assert line.count(b"\n") == 1
    assert read_line(line[:-1]) == Note(text)


def _header_bytes(**changes: object) -> bytes:
    members = {
        "v": 1,
        "kind": "notice",
        "sidecar": "gate",
        "incarnation": "i",
        "seq": 1,
        "prev": GENESIS,
        "at": "2026-09-21T00:00:00.000000+00:00",
        "boot": 1,
        "call": None,
        "tenant": "acme",
        "body_hash": body_hash(b"{}"),
        **changes,
    }
    return canonical({name: value for name, value in members.items() if value != "absent"})


def _line(header: bytes, body: bytes = b"{}", link: str | None = None) -> bytes:
    return record_line(header, body, link or link_of(header))[:-1]


def test_the_row_that_all_bad_rows_differ_from_is_good() -> None:
    assert isinstance(read_line(_line(_header_bytes())), Record)


def _with_body(body: bytes) -> bytes:
    return _line(_header_bytes(body_hash=body_hash(body)), body)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(_line(_header_bytes(v=2)), id="another-version"),
        pytest.param(_line(_header_bytes(v="absent")), id="no-version"),
        pytest.param(_line(_header_bytes(v=True)), id="version-as-boolean"),
        pytest.param(_line(_header_bytes(kind="gossip")), id="unknown-kind"),
        pytest.param(_line(_header_bytes(kind="absent")), id="no-kind"),
        pytest.param(_line(_header_bytes(tenant="absent")), id="a-member-is-missing"),
        pytest.param(_line(_header_bytes(more=1)), id="a-member-too-many"),
        pytest.param(_line(_header_bytes(seq="1")), id="number-as-text"),
        pytest.param(_line(_header_bytes(seq=True)), id="number-as-boolean"),
        pytest.param(_line(_header_bytes(seq=2.5)), id="number-with-a-fraction"),
        pytest.param(_line(_header_bytes().replace(b'"seq":1', b'"seq":1.0')), id="number-spelled-as-a-float"),
        pytest.param(
            _line(_header_bytes().replace(b'"seq":1', b'"seq":9007199254740993')), id="number-no-double-holds"
        ),
        pytest.param(_line(_header_bytes().replace(b'"v":1', b'"v":1,"v":1')), id="member-doubled"),
        pytest.param(_line(_header_bytes().replace(b'"i"', b'"\\u0069"')), id="needless-escape"),
        pytest.param(_line(_header_bytes().replace(b'"i"', b'"\xed\xa0\x80"')), id="surrogate-in-utf-8"),
        pytest.param(_line(_header_bytes() + b"{}"), id="two-objects"),
        pytest.param(_line(b"[" * 100_000), id="deep"),
        pytest.param(_line(b'{"more":' + b"[" * 100_000), id="deep-in-a-member-too-many"),
        pytest.param(_line(_header_bytes(call=1)), id="call-as-number"),
        pytest.param(_line(_header_bytes(prev="A" * 64)), id="upper-case-digest"),
        pytest.param(_line(_header_bytes(body_hash="0" * 63)), id="short-digest"),
        pytest.param(_line(_header_bytes(), b'{"a":1}'), id="another-body"),
        pytest.param(_line(_header_bytes(), link=GENESIS), id="another-link"),
        pytest.param(_line(b" " + _header_bytes()), id="header-not-canonical"),
        pytest.param(_with_body(b'{ "a":1}'), id="body-not-canonical"),
        pytest.param(_with_body(b"[]"), id="body-is-no-object"),
        pytest.param(_with_body(b'{"sealed":{}}'), id="sealed-names-nothing"),
        pytest.param(_with_body(b'{"sealed":null}'), id="sealed-is-null"),
        pytest.param(_line(_header_bytes()) + b"\t", id="a-field-too-many"),
        pytest.param(_line(_header_bytes()) + b"\r", id="carriage-return"),
        pytest.param(b"record\t{}", id="fields-are-missing"),
        pytest.param(b"", id="empty"),
        pytest.param(b"note\tx", id="unknown-line"),
        pytest.param(b"box\t!!!!", id="box-no-base64"),
        pytest.param(b"box\tQUE", id="box-without-padding"),
        pytest.param(b"box\tQUE==", id="box-padded-too-far"),
        pytest.param(b"box\tQUJD====", id="box-padded-without-need"),
        pytest.param(b'box\tQU"C', id="box-with-a-quote"),
        pytest.param(b"box\tQUI\\u003d", id="box-escaped"),
        pytest.param(b"box\tQUF=", id="box-with-stray-bits"),
        pytest.param(b"box\t" + base64.urlsafe_b64encode(b"\xff\xff\xff"), id="box-in-another-alphabet"),
        pytest.param(b'head\t "a"', id="head-with-a-blank"),
        pytest.param(b'head\t"\\u0041"', id="head-with-a-needless-escape"),
        pytest.param(b'head\t{"a":1}', id="head-is-no-text"),
    ],
)
def test_a_line_that_is_refused(line: bytes) -> None:
    with pytest.raises(BadLine):
        read_line(line)
