"""`agentgate central check`: whether the ledger still is what was written, by what the log says of it."""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Final, TextIO

from central.check.checking import Checked, check_ledger
from central.check.own import own_log_keys
from central.check.published import Expected
from central.check.report import as_json, as_text
from central.config import CentralConfig, CentralProblems
from central.log.store import LogFolder
from central.registry import Sidecar
from central.store.engine import open_store
from central.store.schema import check_schema
from evidence.checkpoint import Quorum
from evidence.note import VerifierKey, read_verifier_key
from evidence.signing import read_public

NOT_TRUE: Final = 1


def run_check(given: argparse.Namespace, config: CentralConfig, out: TextIO) -> int:
    """Check, tell, and give the exit code. Raises CentralProblems, StoreProblem, LedgerUnavailable, OSError."""
    keys = [_key(text) for text in given.log_keys] or own_log_keys(config)
    witnesses = tuple(witness.key for witness in config.witnesses)
    expected = Expected(keys, Quorum(config.needed, witnesses), [_note(Path(name)) for name in given.kept])
    checked = _checked(config, expected)
    out.write(json.dumps(as_json(checked), indent=2) + "\n" if given.as_json else as_text(checked))
    return 0 if checked.ok else NOT_TRUE


def _checked(config: CentralConfig, expected: Expected) -> Checked:
    store = open_store(config.database)
    try:
        check_schema(store)
        return check_ledger(store, LogFolder(config.log_folder), expected, config.registry, _central(config.state))
    finally:
        store.close()


def _central(state: Path) -> Sidecar | None:
    """Central as the writer of its own chains; None before it has written anything."""
    try:
        public = read_public((state / "keys" / "evidence.pub").read_text("ascii").strip())
    except FileNotFoundError:
        return None
    return Sidecar(f"central-{hashlib.sha256(public).hexdigest()[:16]}", "", public)


def _key(text: str) -> VerifierKey:
    try:
        return read_verifier_key(text)
    except ValueError as error:
        raise CentralProblems([f"--log-key {text}: {error}: `agentgate central keys` prints it"]) from error


def _note(path: Path) -> str:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise CentralProblems(
            [f"--checkpoint {path}: {error.strerror}: name a file with a signed checkpoint"]
        ) from error
