"""What a configuration keeps of a sample: `agentgate redact`."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Final, TextIO

from evidence.redaction.choosing import Choices
from evidence.redaction.documents import Documents
from evidence.redaction.finding import Finder
from evidence.redaction.loading import built_in
from evidence.redaction.noting import Noted, Noting
from evidence.redaction.redactor import HOISTED
from evidence.redaction.replacing import Place, Tokens
from proxy.redacting import LONGEST, RedactionConfig

_KEY: Final = b"agentgate redact"
"""Tokens of a sample are made under a key that everybody knows; those of evidence are not."""


def run_redact(config: RedactionConfig, file: Path, *, tool: str, as_json: bool, out: TextIO) -> int:
    """Print what is left of a text, and what was found where; `-` reads standard input.

    1 if nothing is kept of it, 64 if there is no such file.
    """
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        sys.stderr.write(
            f"{file} cannot be read: {error.strerror}\n    Name a readable file, or - for standard input.\n"
        )
        return 64
    detectors = built_in() if config.detectors is None else config.detectors
    noting = Noting(Finder(detectors), Choices(config.rules, config.mode), Tokens(_KEY, ""))
    fits = len(raw) <= LONGEST
    left = Documents(noting).redacted(raw, Place(tool=tool), hoist=HOISTED["message"]) if fits else None
    if as_json:
        redacted = None if left is None else left.decode("utf-8", "replace")
        out.write(json.dumps({"redacted": redacted, "findings": [_told(one) for one in noting.noted]}) + "\n")
    elif left is not None:
        out.write(left.decode("utf-8", "replace").removesuffix("\n") + "\n")
        sys.stderr.write("".join(_lines(noting.noted)))
    if not fits:
        sys.stderr.write(f"{len(raw)} bytes are more than {LONGEST}: evidence keeps the commitment, and no text\n")
    return 0 if fits else 1


def _told(one: Noted) -> dict[str, str]:
    return {"at": _pointer(one), "detector": one.detector.id, "kind": one.detector.kind, "mode": one.mode}


def _pointer(one: Noted) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in one.at)


def _lines(noted: list[Noted]) -> list[str]:
    counted = Counter((_pointer(one), one.detector.id, one.detector.kind, one.mode) for one in noted)
    return [
        f"{at or 'the whole text'}: {detector} ({kind}) {mode}{f', {times} times' if times > 1 else ''}\n"
        for (at, detector, kind, mode), times in counted.items()
    ] or ["nothing was found\n"]
