"""Builtins that spell bytes as text and read them again: Base64, hexadecimal digits, queries of URLs."""

import re
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error, unhexlify
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus, unquote_to_bytes

from policy.program.cost import Metered, counted, looked_through
from policy.program.order import members, ordered
from policy.program.running import Budget
from policy.program.texts import on_texts
from policy.program.values import UNDEFINED, Inexact, Set

MOST_PARAMETERS: Final = 10_000
"""OPA refuses a query with more."""

_PARAMETER: Final = 200
"""Bytes of a name and an array of values, the texts aside."""

_BASE64: Final = re.compile(r"(?:[-A-Za-z0-9_]{4})*(?:[-A-Za-z0-9_]{2}==|[-A-Za-z0-9_]{3}=)?")
_TO_URL: Final = str.maketrans("+/-_", "-_!!")
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def base64_decoded(text: str) -> Any:
    """The text behind Base64; line ends in it count for nothing."""
    found = text.replace("\n", "").replace("\r", "").translate(_TO_URL)
    return _text(urlsafe_b64decode(found)) if _BASE64.fullmatch(found) else UNDEFINED


def base64_valid(text: Any) -> bool:
    """Whether a text is Base64."""
    if type(text) is not str:
        return False
    return bool(_BASE64.fullmatch(text.replace("\n", "").replace("\r", "").translate(_TO_URL)))


def base64url_decoded(text: str) -> Any:
    """The text behind Base64 for URLs, whose end may be missing."""
    if "\n" in text or "\r" in text:
        raise Inexact("line ends in Base64 for URLs")
    whole = text if text.endswith("=") else text + "=" * (-len(text) % 4)
    return _text(urlsafe_b64decode(whole)) if _BASE64.fullmatch(whole) else UNDEFINED


def hex_decoded(text: str) -> Any:
    """The text behind hexadecimal digits."""
    try:
        return _text(unhexlify(text))
    except (Error, ValueError):
        return UNDEFINED


def query_decoded(text: str) -> Any:
    """The text behind one part of a query."""
    if _BROKEN_ESCAPE.search(text):
        return UNDEFINED
    return _text(unquote_to_bytes(text.replace("+", " ")))


def query_of_object(value: Any) -> Any:
    """An object of texts, or of arrays or sets of them, as a query in the order of its names."""
    if type(value) is not dict:
        return UNDEFINED
    parts: list[str] = []
    for name, member in members(value):
        texts = [member] if type(member) is str else ordered(member) if type(member) is Set else member
        if type(texts) is not list or not all(type(each) is str for each in texts):
            return UNDEFINED
        if type(name) is not str:
            raise Inexact("a query whose names are no texts")
        parts += [f"{quote_plus(name)}={quote_plus(each)}" for each in texts]
    return "&".join(parts)


def object_of_query(budget: Budget, text: Any) -> Any:
    """A query as an object of arrays."""
    if type(text) is not str:
        return UNDEFINED
    budget.make(_PARAMETER * text.count("&") + len(text))
    if text.count("&") >= MOST_PARAMETERS:
        raise Inexact("a query of so many parameters")
    found: dict[str, list[str]] = {}
    for part in filter(None, text.split("&")):
        name, _, value = part.partition("=")
        decoded = query_decoded(name), query_decoded(value)
        if ";" in part or UNDEFINED in decoded:
            return UNDEFINED
        found.setdefault(decoded[0], []).append(decoded[1])
    return found


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Inexact("bytes that are no text") from error


def _counted(function: Any) -> Metered:
    return counted(on_texts(function))


BUILTINS: Final[Mapping[str, Any]] = {
    "base64.decode": _counted(base64_decoded),
    "base64.encode": _counted(lambda text: b64encode(text.encode()).decode()),
    "base64.is_valid": looked_through(base64_valid),
    "base64url.decode": _counted(base64url_decoded),
    "base64url.encode": _counted(lambda text: urlsafe_b64encode(text.encode()).decode()),
    "base64url.encode_no_pad": _counted(lambda text: urlsafe_b64encode(text.encode()).decode().rstrip("=")),
    "hex.decode": _counted(hex_decoded),
    "hex.encode": _counted(lambda text: text.encode().hex()),
    "urlquery.decode": _counted(query_decoded),
    "urlquery.decode_object": Metered(object_of_query),
    "urlquery.encode": _counted(quote_plus),
    "urlquery.encode_object": counted(query_of_object),
}
