"""Makes corpus.json: documents with secrets in them, each secret named, and documents without any; `--check` compares.

It draws with fixed seeds, so that it makes the same each time. In the file the first letter of values that scanners of
repositories would take for real is spelled as an escape.
"""

import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.vectors.redaction.negatives import NEGATIVES
from tests.vectors.redaction.texts import ALONE, BESIDE, MEMBERS, PLAIN
from tests.vectors.redaction.values import VALUES

HERE: Final = Path(__file__).parent
CORPUS: Final = HERE / "corpus.json"
EACH: Final = 24
"""Documents for each row of values, and for each row of what is none."""

_ALARMING: Final = re.compile(
    r"(?<![A-Za-z0-9])(?=(?:AKIA|ASIA|gh[pousr]_|github_pat_|xox[bp]-|[sr]k_(?:live|test)_|-----BEGIN|SG\.|glpat-|npm_))(.)"
)


def rows(seed: int = 1) -> Iterator[dict[str, Any]]:
    """Every row: name, language, the document, and `[detector, value]` of each secret in it."""
    for what, make in VALUES.items():
        rng = random.Random(f"{what}/{seed}")
        for number in range(EACH):
            yield _positive(what, make(rng), number, rng)
    for what, make_document in NEGATIVES.items():
        rng = random.Random(f"{what}/{seed}")
        for number in range(EACH):
            yield _row(f"none/{what}/{number}", "en", _document("text", make_document(rng), number), [])


def _positive(what: str, value: str, number: int, rng: random.Random) -> dict[str, Any]:
    detector = what.removesuffix("_beside_a_word")
    name, secret = f"{detector}/{what}/{number}", [[detector, value]]
    if number % 3 == 0 and what not in ALONE:
        member = rng.choice(MEMBERS.get(what, ("value", "data")))
        return _row(name, "en", _document(member, value, number), secret)
    language, text = rng.choice(BESIDE.get(what, PLAIN))
    return _row(name, language, _document("text", text.replace("{v}", value), number), secret)


def _document(member: str, value: Any, number: int) -> Any:
    """The value where a tool call has it: in arguments, in a result, deeper, or in a text that is JSON itself."""
    match number % 4:
        case 0:
            return {"name": "send", "arguments": {"subject": "weekly report", member: value, "retries": 3}}
        case 1:
            return {
                "result": {
                    "content": [{"type": "text", "text": value if member == "text" else json.dumps({member: value})}],
                    "isError": False,
                }
            }
        case 2:
            return {
                "result": {
                    "structuredContent": {"rows": [{"nr": number, member: value}, {"nr": 2, "note": "nothing here"}]}
                }
            }
        case _:
            return {"arguments": {"batch": [{"op": "put", "body": {"inner": {member: value}}}]}}


def _row(name: str, language: str, document: Any, secrets: list[list[str]]) -> dict[str, Any]:
    return {"name": name, "language": language, "document": document, "secrets": secrets}


def _spelled(row: dict[str, Any]) -> str:
    text = json.dumps(row, ensure_ascii=False)
    return _ALARMING.sub(lambda found: f"\\u{ord(found[1]):04x}", text)


def corpus() -> str:
    """The whole file: an array with a row on each line."""
    return "[\n" + ",\n".join(map(_spelled, rows())) + "\n]\n"


def main(arguments: list[str]) -> int:
    """Write or compare; 1 if the file differs."""
    wanted = corpus()
    if "--check" in arguments:
        return 0 if CORPUS.exists() and CORPUS.read_text("utf-8") == wanted else 1
    CORPUS.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
