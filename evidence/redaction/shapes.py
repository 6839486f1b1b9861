"""What else must hold of addresses, numbers and secrets that have no check digit."""

import base64
import binascii
import ipaddress
import math
import re
from collections import Counter
from typing import Final

import orjson

_NO_TLD: Final = re.compile(
    r"(?:service|socket|timer|target|mount|slice|path|scope|png|jpe?g|gif|svg|webp|ico|css|m?js|tsx?|jsx|json|ya?ml|toml|md|txt"
    r"|x?html?|xml|pyi?|rb|rs|go|java|php|sh|zip|t?gz|tar|whl|pdf|csv|log|lock|conf|ini)",
    re.IGNORECASE,
)
"""What stands behind a dot in names of files and units, and is no top-level domain that mail goes to."""

_CALLING_CODE: Final = re.compile(
    r"1|7|2[07]|21[12368]|2[234]\d|25[0-8]|26\d|29[01789]|3[0-469]|3[578]\d|37\d|38[0-35-79]|4[013-9]|42[013]|5[1-8]|50\d|59\d"
    r"|6[0-6]|67[02-9]|68[0-35-9]|69[0-2]|8[1246]|80[08]|85[02356]|87\d|88[0-368]|9[0-58]|96\d|97[0-79]|99[2-68]",
    re.ASCII,
)
"""Assigned by ITU-T E.164."""

_DATE: Final = re.compile(
    r"(?:19|20)\d\d[-./ ]?(?:0[1-9]|1[0-2])[-./ ]?(?:0[1-9]|[12]\d|3[01])(?:\D|$|\d{2,6}$)", re.ASCII
)
_PLACEHOLDER: Final = re.compile(
    r"\$(?:[{(].*|[A-Z_]+)|[<{\[].*|\*+|%[(A-Z].*|x{3,}|\.{3}.*"
    r"|(?:your|my|the|some)?[-_ ]?(?:password|passwd|secret|token|key|pass|pw)[-_ ]?(?:here)?"
    r"|none|null|true|false|undefined|redacted|changeme|example|required|optional|string",
    re.IGNORECASE,
)
_CODE: Final = re.compile(
    r"[()\[\]{}<>]|^[\w.]+\.\w+$|^(?:str|bytes|string|int|bool|any|self|os|env|process)\b|=", re.ASCII
)
_HEX: Final = re.compile(r"(?:0x)?[0-9a-fA-F-]+", re.ASCII)
_ULID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)
_RUNS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+", re.ASCII)

ENTROPY: Final = 3.8
"""Bits a character, of the value's own letters: 20 characters drawn at random have about 4.1."""

LONGEST_SECRET: Final = 256
"""What is drawn at random and longer is an image or an archive."""


def email(value: str) -> bool:
    """A local part that neither begins nor ends with a dot, and a domain that mail can go to."""
    local, _, domain = value.rpartition("@")
    return not (local.startswith(".") or local.endswith(".") or ".." in local) and (
        _NO_TLD.fullmatch(domain.rpartition(".")[2]) is None and not domain.endswith("-")
    )


def ipv4(value: str) -> bool:
    """Four octets without leading zeros; neither this host, nor none, nor a mask."""
    try:
        address = ipaddress.IPv4Address(value)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or value.startswith(("255.", "0.")))


def ipv6(value: str) -> bool:
    """RFC 4291; a short one must begin as addresses do that are given out, since `a::b` is a name in source code."""
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError:
        return False
    groups = [group for group in value.split(":") if group]
    given_out = len(groups[0]) == 4 and groups[0][0] in "23fF"
    return (given_out or len(groups) > 3) and any(map(str.isdigit, value)) and not address.is_loopback


def phone(value: str) -> bool:
    """E.164: an assigned calling code behind a plus, at most 15 digits; no date, and not one digit repeated."""
    digits = "".join(filter(str.isdigit, value))
    if not 7 <= len(digits) <= 15 or len(set(digits)) < 3 or _DATE.match(value):
        return False
    if value.startswith("+"):
        return len(digits) >= 8 and _CALLING_CODE.match(digits) is not None
    return value.count("(") == value.count(")") and value.count(".") != 1


def jwt(value: str) -> bool:
    """RFC 7515 and 7516: the first part is a JSON object that names an algorithm."""
    first = value.partition(".")[0]
    try:
        header = orjson.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, binascii.Error):
        return False
    return isinstance(header, dict) and "alg" in header


def not_a_placeholder(value: str) -> bool:
    """Not what stands in documentation and templates in the place of a secret."""
    return _PLACEHOLDER.fullmatch(value) is None


def not_a_word(value: str) -> bool:
    """Has a digit, or capitals among small letters: prose has neither."""
    mixed = any(map(str.isdigit, value)) or (value[1:].lower() != value[1:] and value.upper() != value)
    return mixed and not_a_placeholder(value)


def literal_secret(value: str) -> bool:
    """A literal, and neither a call, a type, a reference nor a placeholder."""
    plain = any(map(str.isdigit, value)) or any(not each.isalnum() for each in value)
    return plain and not_a_placeholder(value) and _CODE.search(value.rstrip("=")) is None


def high_entropy(value: str) -> bool:
    """Letters of both cases and digits, spread as if drawn; no digest, UUID, ULID, path, identifier or encoded text."""
    bare = value.rstrip("=")
    if (
        len(bare) > LONGEST_SECRET
        or _HEX.fullmatch(bare)
        or _ULID.fullmatch(bare)
        or not _is_mixed(bare)
        or is_wordy(bare)
    ):
        return False
    return entropy(bare) >= min(ENTROPY, math.log2(len(bare)) * 0.88) and decoded_text(value) is None


def _is_mixed(value: str) -> bool:
    digits = sum(map(str.isdigit, value))
    return digits >= 2 and any(map(str.islower, value)) and any(map(str.isupper, value))


def is_wordy(value: str) -> bool:
    """Runs of one kind of letters are long in identifiers and paths, and short in what is drawn at random."""
    runs = _RUNS.findall(value)
    return len(value) / max(1, len(runs)) > 2.8 or max(map(len, runs), default=0) > 11


def entropy(value: str) -> float:
    """Shannon's, in bits a character."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values())


def decoded_text(value: str) -> str | None:
    """The text that a value is the base64 of, of either alphabet; None unless all of it can be printed."""
    if len(value.rstrip("=")) % 4 == 1:
        return None
    try:
        raw = base64.b64decode(
            value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4),
            b"-_" if set("-_") & set(value) else None,
            validate=True,
        )
        text = raw.decode()
    except (ValueError, binascii.Error):
        return None
    return text if text and all(each.isprintable() or each in "\n\r\t" for each in text) else None
