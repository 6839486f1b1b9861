"""`agentgate pack export`: reads what was asked for on the command line, and makes the pack."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, TextIO

import orjson

from evidence.clock import Clock
from evidence.keys import KeyProblem, tenant_private
from evidence.pack.exporting import Exported, NothingToExport, Order, export, whole_call
from evidence.pack.packing import TooLarge
from evidence.pack.proving import LogFiles
from evidence.pack.vocabulary import Selection, moment
from evidence.printable import printable
from evidence.signing import BadSignature
from evidence.tailing import Unreadable
from evidence.tiles import BadTile
from evidence.unsealing import Unsealer

_TRUE: Final = 0
_NOT_TRUE: Final = 1
_USAGE: Final = 64


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was given on the command line."""

    folder: Path
    target: Path
    by: str
    session: str | None = None
    agent: str | None = None
    call: str | None = None
    since: str | None = None
    until: str | None = None
    tenant: str | None = None
    key: Path | None = None
    log: Path | LogFiles | None = None


def run_export(
    wanted: Wanted,
    *,
    clock: Clock,
    agentgate: str,
    as_json: bool,
    out: TextIO,
    named: Path | None = None,
    then: Callable[[Exported], None] = lambda exported: None,
) -> int:
    """Write the pack and say what it has; 0, 1 where the evidence cannot be read, 64 where nothing is to be had.

    `then` is done with it before anything is said, and `named` is how the file is called in the end.
    """
    try:
        order = Order(
            _selection(wanted),
            wanted.by,
            clock.now().rfc3339(),
            agentgate,
            wanted.tenant,
            Unsealer(tenant_private(wanted.key)) if wanted.key else None,
            LogFiles(_files(wanted.log)) if isinstance(wanted.log, Path) else wanted.log,
        )
        exported = export(wanted.folder, wanted.target, order)
        then(exported)
    except (Unreadable, BadTile, BadSignature) as error:
        out.write(f"agentgate pack: {printable(error)}\n")
        return _NOT_TRUE
    except (NothingToExport, KeyProblem, TooLarge, OSError) as error:
        out.write(f"agentgate pack: {printable(error)}\n")
        return _USAGE
    if as_json:
        out.write(orjson.dumps({"pack": str(named or wanted.target), **asdict(exported)}).decode() + "\n")
    else:
        out.writelines(f"{printable(line)}\n" for line in _lines(named or wanted.target, wanted, exported))
    return _TRUE


def _selection(wanted: Wanted) -> Selection:
    """Raises NothingToExport."""
    given = {"from": wanted.since, "until": wanted.until}
    times: dict[str, str | None] = {}
    for name, text in given.items():
        try:
            times[name] = None if text is None else moment(text)
        except ValueError as error:
            raise NothingToExport(f"--{name} {text}: not a time as in 2026-09-21T14:13:20Z, or a date") from error
    call = None if wanted.call is None else whole_call(wanted.folder, wanted.call)
    return Selection(wanted.session, wanted.agent, call, times["from"], times["until"])


def _files(log: Path) -> Callable[[str], bytes | None]:
    def get(path: str) -> bytes | None:
        file = log / path
        return file.read_bytes() if file.is_file() else None

    return get


def _lines(target: Path, wanted: Wanted, done: Exported) -> list[str]:
    chains = "1 chain" if done.chains == 1 else f"{done.chains} chains"
    texts = f"texts of {done.opened} records are opened" if wanted.key else "no texts: --key opens them"
    proofs = f"{done.proved} proofs of the log" if wanted.log else "no proofs of a log: --log has them"
    return [
        f"{target}: tenant {done.tenant}, {chains}, {done.selected} of {done.records} records with bodies",
        f"{texts}; {proofs}",
        f"SHA-256 {done.digest}: hand it over another way, and verify --sha256 holds the file to it",
    ]
