"""`agentgate verify`: it never breaks, and what it calls true is what was written, as far as a head signs it."""

from typing import Final

import orjson

from evidence.verify import verify_paths
from tests.fuzz.chains import GOOD, Edited, edited_chain, scratch, seeds, written
from tests.fuzz.pieces import Pieces
from tests.fuzz.target import Target
from tests.vectors.evidence.generate import identity

_FOLDER: Final = scratch()
_IDENTITY: Final = identity().public_key().public_bytes_raw()
_KEY_LINES: Final = frozenset(GOOD["keys.jsonl"].splitlines(keepends=True))
_WRITTEN: Final = Edited()


def _check(raw: bytes) -> None:
    chain = edited_chain(Pieces(raw))
    folder = written(chain, _FOLDER / "evidence")
    report = verify_paths([folder], _IDENTITY)
    (checked,) = report.chains
    assert orjson.loads(orjson.dumps(report.as_json()))["ok"] is report.ok
    assert "\n".join(report.lines()).replace("\n", "").isprintable()
    if not report.ok or chain.forged:
        return
    if chain.relinked:
        _check_signed(chain, checked.signed)
    else:
        _check_unchanged(chain)
    _check_keys(chain.files["keys.jsonl"])
    assert set(chain.files["reserve"]) <= {0}


def _check_signed(chain: Edited, signed: int) -> None:
    """Who holds no key can make hashes anew only behind the last head: all before it is as it was."""
    assert _up_to(chain.records, signed) == _up_to(_WRITTEN.records, signed)


def _up_to(lines: list[bytes], count: int) -> list[bytes]:
    """The lines of the first `count` records with their boxes, without heads and without what was torn off."""
    found, records = [], 0
    for line in lines:
        records += line.startswith(b"record\t")
        if records <= count and line.endswith(b"\n") and not line.startswith(b"head\t"):
            found.append(line)
    return found


def _check_unchanged(chain: Edited) -> None:
    """Without new hashes only the end can be missing, and heads."""
    assert _without_heads(_WRITTEN).startswith(_without_heads(chain))
    heads = [line for line in chain.records if line.startswith(b"head\t") and line.endswith(b"\n")]
    assert set(heads) <= set(_WRITTEN.records)
    assert len(set(heads)) == len(heads)


def _without_heads(chain: Edited) -> bytes:
    """The whole lines; what follows the last LF counts as torn, whatever it is."""
    return b"".join(line for line in chain.records if line.endswith(b"\n") and not line.startswith(b"head\t"))


def _check_keys(data: bytes) -> None:
    """Lines may be gone (erased), or the last one torn; no line may be another."""
    assert {line + b"\n" for line in data.split(b"\n")[:-1]} <= _KEY_LINES


VERIFY: Final = Target(
    "verify",
    "verify reads any chain to the end, and calls none true whose signed or unsigned bytes were changed",
    _check,
    seeds,
    max_bytes=64,
)
