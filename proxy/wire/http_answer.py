"""One HTTP/1.1 answer, read piece by piece as it comes (llhttp parses; the framing rules are RFC 9112, section 6.3).

Strict: what two readers could end at different places is no answer.
"""

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

HEAD_BYTES: Final = 64 << 10
"""The longest head, and what may come behind it without a byte of body: trailers, or extensions of a chunk."""

MAX_INTERIM: Final = 16
"""Interim answers (RFC 9110, section 15.2) before the one that counts."""

LENGTH_DIGITS: Final = 18
"""Of a Content-Length, leading zeros included. llhttp takes thousands, of which Python makes no number."""

_VERSIONS: Final = ("1.0", "1.1")
_HTTP: Final = b"HTTP/"
_HEAD_END: Final = b"\r\n\r\n"


class BadHttp(Exception):
    """What came is no HTTP/1.1 answer, or ended before it was whole."""


class AnswerReader:
    """Reads one answer.

    `begun`: status and headers are known. `complete`: the body is whole. `reusable`: the connection may carry
    another exchange; never where more came than this answer.
    """

    __slots__ = ("_fault", "_framed", "_head", "_heads", "_idle_bytes", "_interim", "_parser", "_pieces", "_surplus",
                 "begun", "complete", "headers", "reusable", "status")  # fmt: skip

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._fault = ""
        self._framed = False
        self._head = b""
        self._heads = 0
        self._idle_bytes = 0
        self._interim = 0
        self._surplus = False
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.begun = False
        self.complete = False
        self.reusable = False

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of the body in `data`, in their order. Raises BadHttp: then nothing of it was an answer."""
        try:
            return self._feed(data)
        except BadHttp:
            self.begun = self.complete = self.reusable = False
            raise

    def _feed(self, data: bytes) -> list[bytes]:
        heading = not self.begun
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            # Status 101; whoever reads the status refuses it.
            self.reusable = False
        except HttpParserError as error:
            if not self.complete:
                raise BadHttp(self._fault or f"no HTTP/1.1 answer: {error}") from error
            self.reusable = False
        if self._fault:
            raise BadHttp(self._fault)
        pieces, self._pieces = self._pieces, []
        self._bound(self._behind_heads(data) if heading else len(data), progressed=bool(pieces))
        return pieces

    def end(self) -> None:
        """The connection has ended. Raises BadHttp unless that is where the answer ends as well."""
        self.reusable = False
        if self.complete:
            return
        if not self.begun or self._framed:
            raise BadHttp("the connection ended before the answer was whole")
        self.complete = True

    def _bound(self, size: int, *, progressed: bool) -> None:
        self._idle_bytes = 0 if progressed or self.complete else self._idle_bytes + size
        if self._idle_bytes > HEAD_BYTES:
            raise BadHttp(f"more than {HEAD_BYTES} bytes of trailers or chunk extensions")

    def _behind_heads(self, data: bytes) -> int:
        """How many bytes stand behind the heads that end in `data`; looks at each of these, and at a part of one."""
        text, start = self._head + data, 0
        heads = self._interim + self.begun
        for _ in range(heads - self._heads):
            end = text.find(_HEAD_END, start) + len(_HEAD_END)
            if end < start + len(_HEAD_END):
                raise BadHttp("a head without the empty line that ends it")
            _look_at_head(text, start, end)
            start = end
        if self.begun:
            self._head = b""
            return len(text) - start
        self._head, self._heads = text[start:], heads
        _look_at_head(self._head, 0, len(self._head))
        return 0

    def on_message_begin(self) -> None:
        """Called by the parser; a second answer to one request is nobody's, and what follows it neither."""
        if self.complete:
            self._surplus, self.reusable = True, False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser for each header, and for each trailer, which is dropped."""
        if not self.begun:
            self.headers.append((_text(name), _text(value.strip(b" \t"))))

    def on_headers_complete(self) -> None:
        """Called by the parser; what is interim does not count."""
        status = self._parser.get_status_code()
        if self._surplus or (100 <= status < 200 and status != 101):
            return
        self.status, self.begun = status, True
        version = self._parser.get_http_version()
        if version not in _VERSIONS:
            self._fault = f"HTTP/{version} in the form of HTTP/1.1"
        codings, lengths = self._given("transfer-encoding"), self._given("content-length")
        if codings:
            self._look_at(version, codings)
        if any(len(length) > LENGTH_DIGITS for length in lengths):
            self._fault = f"a length of more than {LENGTH_DIGITS} digits"
        self._framed = bool(codings or lengths)

    def _given(self, named: str) -> list[str]:
        return [value for name, value in self.headers if name.lower() == named]

    def _look_at(self, version: str, codings: list[str]) -> None:
        """One coding, said once, and not in HTTP/1.0, which has none (RFC 9112, section 6.1)."""
        if version != "1.1":
            self._fault = f"a transfer coding in HTTP/{version}"
        if [each.lower() for each in codings] != ["chunked"]:
            self._fault = f"the unknown transfer coding {', '.join(codings)[:40]!r}"

    def on_body(self, body: bytes) -> None:
        """Called by the parser for each piece."""
        if not self._surplus:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        """Called by the parser at the end of the answer, and of each interim one."""
        if self.begun:
            self.complete, self.reusable = True, not self._surplus and self._parser.should_keep_alive()
            return
        self.headers.clear()
        self._interim += 1
        if self._interim > MAX_INTERIM:
            self._fault = f"more than {MAX_INTERIM} interim answers"


def _look_at_head(text: bytes, start: int, end: int) -> None:
    """A head, or the beginning of one: llhttp takes RTSP and ICE for HTTP, and skips empty lines before it."""
    if not _HTTP.startswith(text[start : min(end, start + len(_HTTP))]):
        raise BadHttp("no HTTP/1.1 answer: it begins with another protocol, or an empty line")
    if end - start > HEAD_BYTES:
        raise BadHttp(f"a head of more than {HEAD_BYTES} bytes")


def _text(raw: bytes) -> str:
    """Bytes beyond ASCII stay what they are (RFC 9110, section 5.5), and can be written again."""
    return raw.decode("utf-8", "surrogateescape")
