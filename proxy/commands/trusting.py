"""The flags for what somebody who checks a pack has from elsewhere."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evidence.pack.verifying import Given


def keys_argument(parser: argparse.ArgumentParser, name: str, text: str) -> None:
    """A flag for one verifier key, or more."""
    parser.add_argument(name, action="append", default=[], metavar="KEY", help=f"{text}; again for each further one")


def identity_arguments(parser: argparse.ArgumentParser) -> None:
    """Keys that folders and packs are both held to."""
    parser.add_argument("--key", metavar="KEY", help="the sidecar's public key (base64, or a file), known beforehand")
    keys_argument(parser, "--receipt-key", "the verifier key of a ledger (or a file) whose receipts count")
    parser.add_argument(
        "--key-history",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="what central published of its keys (/log/keys/receipts) when you looked: what it revoked by then counts",
    )


def log_arguments(parser: argparse.ArgumentParser) -> None:
    """What packs alone are held to."""
    keys_argument(parser, "--log-key", "of a pack: the verifier key of a log (or a file) whose checkpoint counts")
    keys_argument(parser, "--witness-key", "of a pack: the verifier key of a witness (or a file)")
    add = parser.add_argument
    add("--witnesses", type=int, metavar="N", help="of a pack: how many of them must have cosigned (default: all)")
    add("--sha256", metavar="HEX", help="of a pack: what `pack export` said, had in another way")


def given_for_pack(given: argparse.Namespace) -> "Given":
    """What these flags say."""
    from evidence.pack.verifying import Given

    return Given(
        key=given.key,
        receipt_keys=given.receipt_key,
        log_keys=given.log_key,
        witness_keys=given.witness_key,
        needed=given.witnesses,
        digest=given.sha256,
        histories=given.key_history,
    )
