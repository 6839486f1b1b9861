"""`agentgate verify PACK`: checks a pack with nothing but the file and what a stranger has from elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import orjson

from evidence.checkpoint import Quorum
from evidence.key_history import read_pin
from evidence.note import read_verifier_key
from evidence.pack.report import PackReport
from evidence.pack.steps import Trust, check_pack
from evidence.printable import printable
from evidence.record import is_digest
from evidence.signing import read_public
from evidence.verify import NothingToCheck, read_given, read_ledgers
from evidence.witnessing import Ledger

_TRUE: Final = 0
_NOT_TRUE: Final = 1
_USAGE: Final = 64


@dataclass(frozen=True, slots=True)
class Given:
    """What was given on the command line: keys themselves, or files that hold them.

    `needed` is how many of `witness_keys` must have cosigned; all of them where it is None.
    """

    key: str | None = None
    receipt_keys: Sequence[str] = ()
    log_keys: Sequence[str] = ()
    witness_keys: Sequence[str] = ()
    needed: int | None = None
    digest: str | None = None
    histories: Sequence[Path] = ()

    def trust(self) -> Trust:
        """What it comes to. Raises NothingToCheck, OSError."""
        witnesses = tuple(read_given("--witness-key", key, read_verifier_key) for key in self.witness_keys)
        if witnesses and not self.log_keys:
            raise NothingToCheck("--witness-key: witnesses cosign what the log has signed, give --log-key as well")
        if self.digest is not None and not is_digest(self.digest):
            raise NothingToCheck(f"--sha256 {self.digest}: not 64 lower-case hex digits")
        try:
            quorum = Quorum(len(witnesses) if self.needed is None else self.needed, witnesses)
        except ValueError as error:
            raise NothingToCheck(f"--witness-key, --witnesses: {error}") from error
        return Trust(
            None if self.key is None else read_given("--key", self.key, read_public),
            read_ledgers(self.receipt_keys, self.histories),
            [Ledger.known(read_given("--log-key", key, read_pin)) for key in self.log_keys],
            quorum,
            self.digest,
        )


def verify_pack(path: Path, trust: Trust) -> PackReport:
    """Check a file. Raises OSError."""
    with path.open("rb") as file:
        return check_pack(file, trust)


def run_verify_pack(path: Path, given: Given, *, as_json: bool, out: TextIO) -> int:
    """Check, print, and give the exit code: 0 all is true, 1 it is not, 64 the arguments name nothing to check."""
    try:
        report = verify_pack(path, given.trust())
    except (NothingToCheck, OSError) as error:
        out.write(f"agentgate verify: {printable(error)}\n")
        return _USAGE
    if as_json:
        out.write(orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        out.writelines(f"{line}\n" for line in report.lines())
    return _TRUE if report.ok else _NOT_TRUE
