"""Seeds from the golden vectors of the wire: nothing that is known already has to be found again."""

import base64
import json
from pathlib import Path
from typing import Any, Final

_WIRE: Final = Path(__file__).parents[1] / "vectors" / "wire"


def rows(name: str) -> list[dict[str, Any]]:
    """The vectors of one file."""
    return list(json.loads((_WIRE / name).read_text()))


def contents(name: str) -> list[bytes]:
    """The bytes that each vector of a file is about."""
    return [base64.b64decode(row["base64"]) if "base64" in row else row["text"].encode() for row in rows(name)]
