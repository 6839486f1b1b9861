"""Streams cut anywhere: the pieces are the stream, and say the same whatever the chunks."""

import gc
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.wire.lines import LineReader, client_line
from proxy.wire.rules import Malformed, Rule
from proxy.wire.sse import Event, EventReader, event_bytes, heartbeat

_bits = st.sampled_from(
    [
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\r\n\r\n",
        b"data: a",
        b"data",
        b":",
        b"id: 1",
        b"\xef\xbb\xbf",
        b"x",
        b" ",
        b"\xff",
    ]
)
_MARK = b"\xef\xbb\xbf"
_streams = st.lists(_bits, max_size=30).map(b"".join).filter(lambda stream: not stream.startswith(_MARK))
"""One that begins with a mark is refused: readers differ in what the mark belongs to."""
_cuts = st.lists(st.integers(0, 120), max_size=12)


def chunks(stream: bytes, cuts: list[int]) -> list[bytes]:
    """The stream, cut at these places."""
    places = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    return [stream[a:b] for a, b in pairwise(places)]


def read_events(pieces: list[bytes]) -> list[Event]:
    """All events of a stream that comes in these pieces."""
    reader = EventReader(1000)
    found = [event for piece in pieces for event in reader.feed(piece)]
    return found + reader.close()


@settings(max_examples=500, deadline=None)
@given(_streams, _cuts)
def test_events_do_not_depend_on_chunks(stream: bytes, cuts: list[int]) -> None:
    whole = read_events([stream])
    assert read_events(chunks(stream, cuts)) == whole
    joined = b"".join(event.raw for event in whole)
    assert stream.startswith(joined)
    assert not any(end in stream[len(joined) :] for end in (b"\n\n", b"\r\r", b"\r\n\r\n"))


def _by_the_book(stream: bytes) -> list[tuple[str, bytes, str | None]]:
    """The standard's own algorithm, line by line: what is dispatched, and the id that is current then."""
    dispatched: list[tuple[str, bytes, str | None]] = []
    text = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    event, last = "", None
    data: list[bytes] = []
    for line in text.split(b"\n")[:-1]:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not line:
            if data:
                dispatched.append((event or "message", b"\n".join(data), last))
            event, data = "", []
        elif name == b"data":
            data.append(value)
        elif name == b"id":
            last = value.decode(errors="replace")
        elif name == b"event":
            event = value.decode(errors="replace")
    return dispatched


@settings(max_examples=500, deadline=None)
@given(_streams)
def test_events_are_those_of_the_standard(stream: bytes) -> None:
    last: str | None = None
    ours = []
    for event in read_events([stream]):
        last = event.id if event.id is not None else last
        if not event.comment_only:
            ours.append((event.event, event.data, last))
    assert ours == _by_the_book(stream)


def test_an_event_is_handed_out_without_waiting() -> None:
    reader = EventReader(1000)
    assert [event.data for event in reader.feed(b"data: a\n\n")] == [b"a"]
    assert [event.data for event in reader.feed(b"data: b\r\n\r\n")] == [b"b"]
    assert [event.data for event in reader.feed(b"data: c\r\r")] == [b"c"]
    assert [event.raw for event in reader.feed(b": ping\n\n")] == [b": ping\n\n"]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b"data: " + b"x" * 1000 + b"\n\n", id="too large"),
        pytest.param(b"data: " + b"x" * 1000, id="too large and unfinished"),
        pytest.param(b"id: \v\n\n", id="hidden line"),
        pytest.param(b"event: a\0b\n\n", id="nul in a name"),
    ],
)
def test_what_precedes_a_bad_event_is_handed_out_first(bad: bytes) -> None:
    reader = EventReader(1000)
    assert [event.data for event in reader.feed(b"data: a\n\n" + bad)] == [b"a"]
    with pytest.raises(Malformed):
        reader.feed(b"")
    with pytest.raises(Malformed):
        reader.close()


@given(st.binary(max_size=60), st.sampled_from(["message", "endpoint"]), st.sampled_from([None, "7"]))
def test_own_events_read_back(data: bytes, event: str, id: str | None) -> None:
    (found,) = read_events([event_bytes(data, event=event, id=id)])
    assert (found.event, found.id) == (event, id)
    assert found.data == data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def test_own_event_cannot_be_broken_out_of() -> None:
    with pytest.raises(ValueError, match="line break"):
        event_bytes(b"", id="1\ndata: x")


@pytest.mark.parametrize("retry", [None, 0, 1500])
def test_own_event_keeps_what_a_client_waits_before_it_comes_back(retry: int | None) -> None:
    (found,) = read_events([event_bytes(b"{}", retry=retry)])
    assert (found.retry, found.data, found.comment_only) == (retry, b"{}", False)


BEATS = [
    pytest.param(b"event: ping\ndata: x\n\n", (None, None, True), id="neither"),
    pytest.param(b"event: ping\nid: 7\ndata: x\n\n", ("7", None, False), id="id"),
    pytest.param(b"event: ping\nid\ndata: x\n\n", ("", None, False), id="empty-id"),
    pytest.param(b"event: ping\nretry: 15\ndata: x\n\n", (None, 15, True), id="retry"),
    pytest.param(b"event: ping\nid: 7\nretry: 15\ndata: x\n\n", ("7", 15, False), id="both"),
]


@pytest.mark.parametrize(("raw", "kept"), BEATS)
def test_what_stands_for_an_event_that_is_not_delivered(raw: bytes, kept: tuple[str | None, int | None, bool]) -> None:
    """Readers take an id only from an event that they dispatch, so that one with an id has an empty data line."""
    (given,) = read_events([raw])
    (found,) = read_events([heartbeat(given)])
    assert (found.id, found.retry, found.comment_only) == kept
    assert (found.data, b"x" in found.raw, b"ping" in found.raw) == (b"", False, False)
    assert found.event == ("message" if found.comment_only else "heartbeat")


@settings(max_examples=300, deadline=None)
@given(_streams, _cuts)
def test_lines_do_not_depend_on_chunks(stream: bytes, cuts: list[int]) -> None:
    reader = LineReader(1000)
    lines = [line for piece in chunks(stream, cuts) for line in reader.feed(piece)]
    assert b"".join(lines) + reader.tail() == stream
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_long_line_is_refused_and_the_next_one_read(size: int) -> None:
    stream = b"y" * 10 + b"\n" + b"x" * 25 + b"\n" + b"z\n"
    reader = LineReader(20)
    lines = [line for at in range(0, len(stream), size) for line in reader.feed(stream[at : at + size])]
    assert lines == [b"y" * 10 + b"\n", b"x" * 21, b"z\n"]
    assert reader.tail() == b""
    with pytest.raises(Malformed) as refusal:
        client_line(lines[1], limit=20)
    assert refusal.value.rule is Rule.TOO_LARGE
    assert refusal.value.status == 413


def test_a_reader_that_refuses_lets_go_of_what_it_has_read() -> None:
    """The exception holds the reader until the collector comes: an event without an end must not stay with it."""
    reader = EventReader(1 << 20)
    with pytest.raises(Malformed):
        reader.feed(b"data: " + b"x" * (2 << 20))
    held = [len(each) for each in gc.get_referents(reader) if isinstance(each, bytes | bytearray)]
    assert max(held, default=0) < 1024
