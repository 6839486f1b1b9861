"""Makes the vectors of single formats, so that a verifier can be built one step at a time. `--check` only compares.

formats.json         one of each: header, body, record, box, commitment, pseudonym, wrapped key, head, certificate and
                     verifier key, with all inputs
batches.json         batches, and the rule of docs/evidence.md that each breaks; null where it is one
receipts.json        notes of receipts, likewise, under `receipt_key` of keys.json
erased.json          notes of what a ledger has destroyed, likewise
numbers.json         doubles by their IEEE 754 bytes, and how they are spelled: those of RFC 8785, appendix B
not_canonical.json   texts that are the canonical form of nothing
"""

import base64
import json
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from evidence.batch import write_batch
from evidence.canonical import canonical
from evidence.chain import Position
from evidence.erased import Erased
from evidence.keys import Keys
from evidence.line import box_line
from evidence.record import GENESIS
from evidence.sealing import commitment, key_line_id
from evidence.signing import Certificate, public_text, sign_note
from tests.vectors.evidence.generate import (
    DATA_KEY,
    LEDGER,
    TENANT,
    WRAPPED,
    good,
    identity,
    incarnation_key,
    ledger_key,
)

HERE: Final = Path(__file__).parent

NUMBERS: Final = (
    "0000000000000000", "8000000000000000", "0000000000000001", "8000000000000001", "7fefffffffffffff",
    "ffefffffffffffff", "4340000000000000", "c340000000000000", "4430000000000000", "44b52d02c7e14af5",
    "44b52d02c7e14af6", "44b52d02c7e14af7", "444b1ae4d6e2ef4e", "444b1ae4d6e2ef4f", "444b1ae4d6e2ef50",
    "3eb0c6f7a0b5ed8c", "3eb0c6f7a0b5ed8d", "41b3de4355555553", "41b3de4355555554", "41b3de4355555555",
    "41b3de4355555556", "41b3de4355555557", "becbf647612f3696", "43143ff3c1cb0959",
)  # fmt: skip
"""RFC 8785, appendix B, but for the two that have no form; tests/evidence compares with what stands there."""

NOT_CANONICAL: Final[Mapping[str, str]] = {
    "a blank": '{"a": 1}',
    "a line end": '{"a":1}\n',
    "keys in another order": '{"b":1,"a":2}',
    "keys in the order of code points": '{"\ufb33":1,"\U0001f600":2}',
    "a doubled key": '{"a":1,"a":1}',
    "a fraction of nothing": "1.0",
    "an exponent without its sign": "1e21",
    "an upper-case exponent": "1E+21",
    "an exponent where digits do": "1e+20",
    "a negative zero": "-0",
    "a leading zero": "01",
    "more digits than a double has": "9007199254740993",
    "more digits than are needed": "333333333.33333329",
    "beyond all doubles": "1e+400",
    "a needless escape": '"\\u0041"',
    "an escaped solidus": '"\\/"',
    "an escape in upper case": '"\\u001F"',
    "an escape where a short one does": '"\\u000a"',
    "a raw control character": '"\x01"',
    "an escaped surrogate pair": '"\\ud83d\\ude00"',
    "a lone surrogate": '"\\ud800"',
    "a key that begins like ours": '{"$x":1}',
    "our escape of no text": '{"$n":1}',
    "our escape with company": '{"$n":"1","a":1}',
    "nested 129 times around a number": "[" * 129 + "1" + "]" * 129,
    "two values": "1 2",
    "nothing": "",
    "a byte order mark": "\ufeff1",
    "no number": "NaN",
}


def _rows(valid: Mapping[str, Any], broken: Mapping[str, tuple[str, Any]], member: str) -> list[dict[str, Any]]:
    good_rows = [{"name": name, "ok": True, "rule": None, member: found} for name, found in valid.items()]
    return good_rows + [
        {"name": name, "ok": False, "rule": rule, member: found} for name, (rule, found) in broken.items()
    ]


def formats() -> dict[str, dict[str, str]]:
    """One of each format: what goes in, and the bytes that come out."""
    pen = good()
    record, boxed = pen.segments[0][1].split(b"\n")[:2]
    _, header, body, link = record.split(b"\t")
    box = base64.b64decode(boxed[4:])
    wrapped = json.loads(pen.sealer.unwritten[0])
    head = json.loads(pen.segments[0][3].removeprefix(b"head\t"))
    name = json.loads(header)["incarnation"]
    public = public_text(incarnation_key(1))
    certificate = Certificate("gate", name, public, "acme", "2026-09-21T14:13:20.000000+00:00")
    salt = bytes(range(32))
    return {
        "header": {"canonical": header.decode(), "link": link.decode()},
        "body": {"canonical": body.decode(), "body_hash": json.loads(header)["body_hash"]},
        "record": {"line": record.decode()},
        "box": {
            "line": box_line(box).decode(),
            "hash": json.loads(body)["sealed"]["hash"],
            "data_key": _text(DATA_KEY),
            "nonce": _text(box[:12]),
            "associated_data": _text(b"agentgate/box/v1\0" + wrapped["id"].encode() + b"acme"),
        },
        "commitment": {"salt": _text(salt), "value": "grüß dich", "hmac": commitment(salt, "grüß dich".encode())},
        "pseudonym": {
            "key": _text(salt),
            "tenant": "acme",
            "kind": "user",
            "text": "zoë",
            "pseudonym": Keys(identity(), {}, salt).pseudonym_of("acme", "user", "zoë"),
        },
        "wrapped_key": {
            "line": pen.sealer.unwritten[0].decode(),
            "private": _text(TENANT.private_bytes_raw()),
            "info": _text(b"agentgate/data-key/v1\0" + canonical(["acme", wrapped["unit"]])),
            "wrapped": WRAPPED,
            "data_key": _text(DATA_KEY),
        },
        "head": {"note": head, "name": f"agentgate/{name}", "public": public},
        "certificate": {
            "identity": public_text(identity()),
            "statement": _text(certificate.statement()),
            "signature": _text(identity().sign(certificate.statement())),
        },
        "verifier_key": {"name": LEDGER.name, "public": _text(LEDGER.public), "text": LEDGER.text()},
    }


def batches() -> list[dict[str, Any]]:
    """Batches of the good chain."""
    pen = good()
    lines = [line for segment in pen.segments for line in segment]
    chain, key = pen.link(1), pen.sealer.unwritten[0]

    def written(**changes: Any) -> bytes:
        true: dict[str, Any] = {
            "sidecar": "gate", "tenant": "acme", "chain": chain, "after": Position(), "gap": False, "keys": [key],
            "lines": lines,
        }  # fmt: skip
        return write_batch(**{**true, **changes})

    def changed(old: bytes, new: bytes) -> bytes:
        data = written()
        assert old in data, old
        return data.replace(old, new, 1)

    sixth = Position(6, pen.link(6))
    boxes = [number for number, line in enumerate(lines) if b"\nbox\t" in line]
    bare = [line.split(b"\n")[0] + b"\n" for line in lines]
    swapped = list(lines)
    one, two = (lines[number].split(b"\n") for number in boxes[:2])
    swapped[boxes[0]] = b"\n".join([one[0], two[1], b""])
    other_tenant = {name: value for name, value in json.loads(key).items() if name != "id"} | {"tenant": "umbrella"}
    foreign = canonical({**other_tenant, "id": key_line_id(other_tenant)}) + b"\n"
    valid = {
        "the whole chain": written(),
        "from the second segment on": written(after=sixth, keys=[], lines=pen.segments[1]),
        "behind a gap": written(after=sixth, keys=[], lines=pen.segments[1], gap=True),
        "without records": written(keys=[], lines=[]),
    }
    broken = {
        "no first line": ("header", b"".join(lines)),
        "nothing": ("header", b""),
        "another version": ("header", changed(b'"v":1', b'"v":2')),
        "a member too many": ("header", changed(b'"gap":false', b'"gap":false,"more":1')),
        "a first line that is not canonical": ("header", changed(b'"gap":false', b'"gap": false')),
        "a gap that is a number": ("header", changed(b'"gap":false', b'"gap":0')),
        "a position before the first": ("header", changed(b'"seq":0', b'"seq":-1')),
        "a chain that is no digest": ("header", changed(b'"chain":"', b'"chain":"X')),
        "no line end": ("header", written()[:-1]),
        "an empty line": ("lines", written() + b"\n"),
        "a line of another kind": ("lines", written() + b"receipt\tx\n"),
        "a changed body": ("lines", changed(b'"granted"', b'"guessed"')),
        "a box in another alphabet": ("lines", changed(b"\nbox\t", b"\nbox\t-")),
        "a head that is no text": ("lines", written() + b"head\t1\n"),
        "a changed key": ("keys", written(keys=[key.replace(b"session", b"sessiom")])),
        "a key of another tenant": ("keys", written(keys=[foreign])),
        "a key after a record": ("keys", written(keys=[]) + b"key\t" + key),
        "a record of another sidecar": ("links", written(sidecar="door")),
        "a record that is left out": ("links", written(lines=[*lines[:4], *lines[5:]])),
        "a record that stands twice": ("links", written(lines=[*lines[:5], *lines[4:]])),
        "another link before the first": ("links", written(after=Position(0, "f" * 64))),
        "another number before the first": ("links", written(after=Position(1, GENESIS))),
        "a box that is left out": (
            "boxes",
            written(lines=[*lines[: boxes[0]], bare[boxes[0]], *lines[boxes[0] + 1 :]]),
        ),
        "a box of another record": ("boxes", written(lines=swapped)),
        "a box that no record names": ("boxes", written() + one[1] + b"\n"),
        "a last record without its box": ("boxes", written(lines=[*lines[: boxes[-1]], bare[boxes[-1]]])),
    }
    text = {name: data.decode() for name, data in valid.items()}
    return _rows(text, {name: (rule, data.decode()) for name, (rule, data) in broken.items()}, "batch")


def receipts() -> list[dict[str, Any]]:
    """Notes of receipts over the good chain."""
    pen = good()
    true = pen.receipt(14)
    text = true.rpartition("\n\n")[0] + "\n"

    def signed(text: str, name: str = LEDGER.name) -> str:
        return sign_note(text, name, ledger_key())

    def respelled(old: str, new: str) -> str:
        assert old in text, old
        return signed(text.replace(old, new, 1))

    valid = {"the whole chain": true, "a tenant beyond ASCII": pen.receipt(14, tenant='grüß "dich"')}
    broken = {
        "by another key": ("signature", pen.receipt(14, by=2)),
        "under another name": ("signature", signed(text, "central.example/other")),
        "a changed text": ("signature", true.replace("\ngate\n", "\ndoor\n", 1)),
        "two signatures": ("signature", true + true.rpartition("\n\n")[2]),
        "no signature": ("signature", text + "\n"),
        "no empty line": ("signature", true.replace("\n\n", "\n", 1)),
        "a signature without end": ("signature", true[:-1]),
        "another title": ("text", respelled("receipt/v1", "receipt/v2")),
        "a line too many": ("text", signed(text + "more\n")),
        "a line too few": ("text", respelled("gate\n", "")),
        "a number with a leading zero": ("text", respelled("\n14\n", "\n014\n")),
        "a number that is none": ("text", respelled("\n14\n", "\nxiv\n")),
        "a number in other digits": ("text", respelled("\n14\n", "\n١٤\n")),
        "a tenant that is no JSON": ("text", respelled('"acme"', "acme")),
        "a tenant that is a number": ("text", respelled('"acme"', "1")),
        "a tenant with a needless escape": ("text", respelled('"acme"', '"\\u0061cme"')),
        "a link in upper case": ("text", pen.receipt(14, position=Position(14, "A" * 64))),
        "one time only": ("text", respelled("+00:00 2026-09-21T14:15:00.000000+00:00", "+00:00")),
    }
    return _rows(valid, broken, "note")


def erased() -> list[dict[str, Any]]:
    """Notes that say which data keys are destroyed."""
    keys = ("ab" * 32, "cd" * 32)
    text = Erased("gate", "acme", "2026-09-21T14:14:00.000000+00:00", keys).text()

    def signed(text: str, by: int = 1) -> str:
        return sign_note(text, LEDGER.name, ledger_key(by))

    def respelled(old: str, new: str) -> str:
        assert old in text, old
        return signed(text.replace(old, new, 1))

    valid = {
        "two keys": signed(text),
        "no key": signed(Erased("gate", "acme", "2026-09-21T14:14:00.000000+00:00", ()).text()),
    }
    broken = {
        "by another key": ("signature", signed(text, by=2)),
        "a changed key": ("signature", signed(text).replace("ab", "ba", 1)),
        "another title": ("text", respelled("erased/v1", "erased/v2")),
        "a receipt": ("text", good().receipt(14)),
        "keys in another order": ("text", signed("\n".join([*text.split("\n")[:4], *keys[::-1], ""]))),
        "a key that stands twice": ("text", respelled(keys[1], keys[0])),
        "a key in upper case": ("text", respelled("ab" * 32, "AB" * 32)),
        "a key that is too short": ("text", respelled("ab" * 32, "ab" * 31)),
        "a tenant that is no JSON": ("text", respelled('"acme"', "acme")),
        "a tenant with a needless escape": ("text", respelled('"acme"', '"\\u0061cme"')),
        "no time": ("text", signed("\n".join(text.split("\n")[:3]) + "\n")),
    }
    return _rows(valid, broken, "note")


def numbers() -> list[dict[str, str]]:
    """Doubles and their spelling."""
    return [
        {"ieee": bits, "canonical": canonical(struct.unpack(">d", bytes.fromhex(bits))[0]).decode()} for bits in NUMBERS
    ]


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def wanted() -> dict[Path, bytes]:
    """Every file by its path, with its content."""
    found = {
        "formats.json": formats(),
        "batches.json": batches(),
        "receipts.json": receipts(),
        "erased.json": erased(),
        "numbers.json": numbers(),
        "not_canonical.json": [{"name": name, "text": text} for name, text in NOT_CANONICAL.items()],
    }
    return {HERE / name: (json.dumps(value, indent=2) + "\n").encode() for name, value in found.items()}


def main() -> int:
    """Write or compare everything; 1 if something differs."""
    stale = []
    for path, data in wanted().items():
        if "--check" in sys.argv:
            stale += [path.name] if not path.exists() or path.read_bytes() != data else []
        else:
            path.write_bytes(data)
    sys.stderr.write("".join(f"{name} differs: make it again\n" for name in stale))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
