"""Section `verify`: how fast `agentgate verify` checks a folder, by the time that it has a core, and its memory.

The folder is what a sidecar writes: an intent with its sealed box, the outcome with its own, a head each second.
"""

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from benchmarks.measure import Plan
from benchmarks.section import Section, Wrong
from benchmarks.stage import ROOT
from benchmarks.subjects import Stage
from benchmarks.verdict import Verdict, at_least, at_most
from evidence.chain import Position, segment_body
from evidence.clock import Instant
from evidence.layout import KEYS_NAME, segment_name
from evidence.record import Entry, Kind
from evidence.scribe import Scribe
from evidence.sealing import Recipient, Sealer
from evidence.signing import Certificate, public_text

MIN_RECORDS_PER_SECOND: Final = 50_000
MAX_MEMORY_MB: Final = 64.0
SEGMENT_BYTES: Final = 64 << 20
"""The size at which the journal begins the next segment."""

_RUNS: Final = 3
_COMMAND: Final = """
import json, re, sys, time
from pathlib import Path
from agentgate import main
code = main(sys.argv[1:])
peak = re.search(r"VmHWM:\\s+([0-9]+) kB", Path("/proc/self/status").read_text())
json.dump({"seconds": time.process_time(), "peak_kb": int(peak[1])}, sys.stderr)
sys.exit(code)
"""
"""The whole command, which says at its end what it took: the peak that `wait4` knows is that of its parent as well."""

_FIRST: Final = Instant(1_790_000_000_000_000_000, 5_000_000)
_VERSIONS: Final = {"agentgate": "0.1.0", "policy": "sha256:" + "5" * 64, "grants": "sha256:" + "6" * 64}
_INTENT: Final[dict[str, Any]] = {
    "caller": {"tenant": "default", "agent": "billing-bot", "workload": None, "user": None, "authn_method": "static"},
    "session": "1f" * 16,
    "request": {
        "direction": "client", "transport": "http", "era": "2026-07-28", "protocol_version": "2026-07-28",
        "upstream": "files", "method": "tools/call", "name": "read_file", "definition": "sha256:" + "7" * 64,
    },
    "decision": {
        "effect": "allow", "reason": "granted", "rules": ["grants"], "versions": _VERSIONS, "engine": "embedded",
        "signed": False, "shadow": None, "exception": None, "obligations": [],
    },
    "orders": 0,
}  # fmt: skip
_OUTCOME: Final = {"outcome": "completed", "delivery": "answer", "effect": "done", "reason": "", "status": 200}
_INPUT: Final = b'{"call":{"arguments":{"path":"/srv/share/reports/2026/summary.txt","text":"' + b"x" * 700 + b'"}}}'
_RESULT: Final = b'{"result":{"content":[{"type":"text","text":"' + b"y" * 440 + b'"}]}}'


@dataclass(frozen=True, slots=True)
class _Load:
    """A sidecar that makes so many calls a second; each second has one head."""

    name: str
    calls_per_second: int
    calls: int


BUSY: Final = _Load("busy", 1_500, 150_000)
QUIET: Final = _Load("quiet", 10, 20_000)


def run(stage: Stage, plan: Plan) -> Section:
    """Records for each second of CPU of a whole command, its start included, best of three; and its peak of memory."""
    wrong, lines, targets = Wrong(), list[tuple[str | float, ...]](), list[Verdict]()
    for load in (BUSY, QUIET):
        calls = load.calls if plan.thorough else 200
        folder = stage.new_folder()
        write(folder, load.calls_per_second, calls)
        size = sum(file.stat().st_size for file in folder.glob("*/*"))
        found = [_verified(folder, calls, stage.core, wrong) for _ in range(_RUNS if plan.thorough else 1)]
        rate = 2 * calls / min(seconds for seconds, _ in found)
        memory = max(peak for _, peak in found)
        lines.append((f"{load.name}, {load.calls_per_second:,} calls/s", f"{2 * calls:,}", size / 1e6, rate, memory))
        if load is BUSY:
            targets.append(at_least("verify, busy folder: records/s of CPU", rate, MIN_RECORDS_PER_SECOND))
            targets.append(at_most("verify, busy folder: peak MB", memory, MAX_MEMORY_MB))
    columns = ("folder", "records", "MB", "records/s of CPU", "peak MB")
    return Section("Verifying", columns, tuple(lines), tuple(targets), wrong.errors, wrong.sample)


def _verified(folder: Path, calls: int, core: int, wrong: Wrong) -> tuple[float, float]:
    """Seconds of CPU and peak of resident memory (MB) of one command."""
    with subprocess.Popen(
        [sys.executable, "-c", _COMMAND, "verify", "--json", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        os.sched_setaffinity(process.pid, {core})
        said, told = process.communicate()
    report, used = json.loads(said), json.loads(told)
    right = report["ok"] and report["outcomes"] == calls and report["records"] >= 2 * calls
    wrong.unless(right=right and process.returncode == 0, met=report)
    return used["seconds"], used["peak_kb"] * 1024 / 1e6


def write(folder: Path, calls_per_second: int, calls: int) -> None:
    """An evidence folder with one chain of so many calls in it."""
    chain = folder / "chain-00000000000000ff"
    chain.mkdir(parents=True)
    writer = _Writer()
    number, size, lines = 1, 0, list[bytes]()
    for line in writer.lines(calls_per_second, calls):
        lines.append(line)
        size += len(line)
        if size > SEGMENT_BYTES:
            (chain / segment_name(number)).write_bytes(b"".join(lines))
            number, size, lines = number + 1, 0, [writer.write(Kind.NOTICE, segment_body(writer.open))]
    (chain / segment_name(number)).write_bytes(b"".join(lines))
    (chain / KEYS_NAME).write_bytes(b"".join(writer.sealer.unwritten))


class _Writer:
    """Writes what a sidecar would, as fast as it can, with a clock of its own."""

    def __init__(self) -> None:
        recipient = Recipient(X25519PrivateKey.generate().public_key())
        self.sealer = Sealer("default", recipient, lambda kind, text: f"{kind}-{text}", secrets.token_bytes, 64)
        self.open: list[str] = []
        self._instant = _FIRST
        self._key = Ed25519PrivateKey.generate()
        self._scribe = Scribe(
            sidecar="gate-1",
            tenant="default",
            incarnation="1c" * 16,
            key=self._key,
            sealer=self.sealer,
            position=Position(),
        )

    def lines(self, calls_per_second: int, calls: int) -> Iterator[bytes]:
        """The lines of all records and heads."""
        yield self._start()
        step = 500_000_000 // calls_per_second
        for number in range(calls):
            call = f"{number:032x}"
            unit = f"session-{number // 500}"
            self._move(step)
            self.open.append(call)
            body = {**_INTENT, "decision": {**_INTENT["decision"], "id": f"{number:032x}"}}
            yield self.write(Kind.INTENT, body, call, unit, input=_INPUT)
            self._move(step)
            self.open.remove(call)
            yield self.write(Kind.OUTCOME, _OUTCOME, call, unit, result=_RESULT)
            if number % calls_per_second == calls_per_second - 1:
                yield self._head()
        yield self.write(Kind.CLOSE, {"reason": "drained"})
        yield self._head()

    def write(
        self, kind: Kind, body: dict[str, Any], call: str | None = None, unit: str = "", **secrets: bytes
    ) -> bytes:
        """The lines of one record."""
        return self._scribe.write(Entry(kind, body, call=call, secrets=secrets, unit=unit), self._instant)

    def _move(self, nanoseconds: int) -> None:
        self._instant = Instant(self._instant.unix_ns + nanoseconds, self._instant.boot_us + nanoseconds // 1000)

    def _head(self) -> bytes:
        return self._scribe.head(self._scribe.position, self._instant)

    def _start(self) -> bytes:
        identity, public = Ed25519PrivateKey.generate(), public_text(self._key)
        certificate = Certificate("gate-1", "1c" * 16, public, "default", self._instant.rfc3339())
        signature = base64.b64encode(identity.sign(certificate.statement())).decode()
        return self.write(
            Kind.START,
            {
                "agentgate": "0.1.0",
                "identity": public_text(identity),
                "incarnation_key": public,
                "certificate": {"not_before": certificate.not_before, "signature": signature},
                "isolation": "uid",
                "last_receipt": None,
                "repaired_bytes": 0,
                "abandoned": [],
            },
        )
