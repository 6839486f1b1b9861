"""Builtins that digest text; each digest in hexadecimal digits."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from policy.program.cost import Metered, looked_through
from policy.program.texts import on_texts


def _digest(name: str) -> Metered:
    return looked_through(on_texts(lambda text: hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()))


def _keyed(name: str) -> Metered:
    return looked_through(on_texts(lambda text, by: hmac.new(by.encode(), text.encode(), name).hexdigest()))


BUILTINS: Final[Mapping[str, Any]] = {
    "crypto.hmac.equal": on_texts(lambda one, other: hmac.compare_digest(one.encode(), other.encode())),
    "crypto.hmac.md5": _keyed("md5"),
    "crypto.hmac.sha1": _keyed("sha1"),
    "crypto.hmac.sha256": _keyed("sha256"),
    "crypto.hmac.sha512": _keyed("sha512"),
    "crypto.md5": _digest("md5"),
    "crypto.sha1": _digest("sha1"),
    "crypto.sha256": _digest("sha256"),
}
