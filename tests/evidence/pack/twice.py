"""Holds a pack to both verifiers, ours and the one in Go: whatever is checked by one is checked by the other."""

import base64
import tempfile
from collections.abc import Iterator
from typing import Any

from evidence.note import VerifierKey
from evidence.pack.report import STEPS, PackReport, Step
from evidence.pack.steps import Trust
from tests.evidence.pack.parcels import TRUST, checked
from tests.peers.second_verifier import said_of


def agreed(pack: bytes, trust: Trust = TRUST) -> PackReport:
    """What our check says, which is what the other one says, of each step and of all that was counted."""
    report, said = checked(pack, trust), go(pack, trust)
    assert (said["rule"], said["steps"]) == (rule(report), [report.verdict(step) for step in Step]), (
        report.fault,
        said["error"],
    )
    if report.ok:
        counts = (report.total("selected"), report.total("self_asserted"), len(report.cosignatures))
        assert (said["selected"], said["self_asserted"], said["cosigned"]) == counts
    return report


def rule(report: PackReport) -> str | None:
    """The step that fails, by its name."""
    return None if report.fault is None else STEPS[report.fault.step].partition(":")[0]


def go(pack: bytes, trust: Trust = TRUST) -> dict[str, Any]:
    """What the verifier in Go says."""
    with tempfile.NamedTemporaryFile(suffix=".agentgate") as file:
        file.write(pack)
        file.flush()
        return said_of(*_options(trust), "pack", file.name)


def _options(trust: Trust) -> Iterator[str]:
    if trust.identity is not None:
        yield from ("-key", base64.b64encode(trust.identity).decode())
    given = {"-receipt-key": trust.receipt_keys, "-log-key": trust.log_keys, "-witness-key": trust.quorum.witnesses}
    for flag, keys in given.items():
        for key in keys:
            yield from (flag, (key if isinstance(key, VerifierKey) else key.pin.root).text())
    if trust.quorum.witnesses:
        yield from ("-witnesses", str(trust.quorum.needed))
    if trust.digest is not None:
        yield from ("-sha256", trust.digest)
