"""The form of central's answers: JSON values, and errors as `{"error": <for a person>, "code": <for a program>}`."""

from typing import Any

import orjson
from aiohttp import web


class BadRequest(Exception):
    """A request that asks for nothing that there is; the text says what is wrong with it."""


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """The answer with this value."""
    body = orjson.dumps(value) + b"\n"
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def error_answer(status: int, code: str, text: str, headers: dict[str, str] | None = None) -> web.Response:
    """The answer that says what is wrong."""
    return json_answer({"code": code, "error": text}, status, headers)
