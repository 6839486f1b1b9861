"""Asks central what it lets a reader have. Blocks; no answer is taken from another address than the one given."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

USAGE: Final = 64
UNAVAILABLE: Final = 69
_SECONDS: Final = 30.0
_ANSWER_BYTES: Final = 64 << 20
_LOOPBACK: Final = ("http://127.0.0.1:", "http://localhost:", "http://[::1]:")


class Unanswered(Exception):
    """Central gave no answer; `code` is the exit code."""

    def __init__(self, what: object, code: int) -> None:
        super().__init__(what)
        self.code = code


class _AsItIs(urllib.request.HTTPRedirectHandler):
    """Follows nobody: the token is for the address that was given."""

    def redirect_request(self, *_: Any) -> None:
        return None


class CentralReader:
    """A reader of the central at `url`, with the token in a file. Each question raises Unanswered, as the making does.

    The text says what central refused and why, `code` is 64 where another question is needed and 69 where it is away.
    """

    def __init__(self, url: str, token_file: Path) -> None:
        self._url = url.rstrip("/")
        if not self._url.startswith(("https://", *_LOOPBACK)):
            raise Unanswered("--central: https, or http on loopback", USAGE)
        try:
            self._token = token_file.read_text().strip()
        except (OSError, ValueError) as error:
            raise Unanswered(error, USAGE) from error
        self._opener = urllib.request.build_opener(_AsItIs, urllib.request.ProxyHandler({}))

    def asked(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What central answers to a question."""
        return _members(self._answer(f"{path}?{urlencode(query)}" if query else path))

    def told(self, path: str, value: Mapping[str, Any]) -> dict[str, Any]:
        """What central answers to what it was told."""
        return _members(self._answer(path, json.dumps(value).encode()))

    def file(self, path: str) -> bytes | None:
        """What is published at a path; None where nothing is."""
        return self._answer(path, missing=True)

    def _answer(self, path: str, body: bytes | None = None, *, missing: bool = False) -> bytes | None:
        try:
            request = urllib.request.Request(  # noqa: S310  (the scheme was looked at when this was made)
                self._url + path, data=body, headers={"Authorization": f"Bearer {self._token}"}
            )
            if body is not None:
                request.add_header("Content-Type", "application/json")
        except ValueError as error:
            raise Unanswered(error, USAGE) from error
        try:
            with self._opener.open(request, timeout=_SECONDS) as answer:
                content: bytes = answer.read(_ANSWER_BYTES)
                return content
        except urllib.error.HTTPError as error:
            if missing and error.code == 404:
                return None
            code = UNAVAILABLE if error.code >= 500 else USAGE
            raise Unanswered(f"central answers {error.code}: {_reason(error)}", code) from error
        except (OSError, ValueError) as error:
            raise Unanswered(f"central does not answer: {error}", UNAVAILABLE) from error


def _members(content: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(content or b"")
    except ValueError as error:
        raise Unanswered("what answers is no central", UNAVAILABLE) from error
    if not isinstance(found, dict):
        raise Unanswered("what answers is no central", UNAVAILABLE)
    return found


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(10_000))["error"])
    except (OSError, ValueError, KeyError, TypeError):
        return str(error.reason)
