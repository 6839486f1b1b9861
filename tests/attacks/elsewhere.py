"""Rows of the classes that are not played here: held by another test, not held, or about what this version has not."""

from typing import Final

from tests.attacks.centrally import CENTRAL
from tests.attacks.row import Elsewhere, KnownMiss, NotBuilt
from tests.evidence.redaction.hiding import FOUND, MISSED

ELSEWHERE: Final = (
    Elsewhere("smuggling/slow-body", "tests/path/test_edges.py"),
    Elsewhere("smuggling/body-that-breaks-off", "tests/path/test_edges.py"),
    Elsewhere("audit/kill-9-fifty-times-under-load", "tests/crash/test_killed.py"),
    Elsewhere("audit/full-disk", "tests/crash/test_full_disk.py"),
    Elsewhere("audit/failing-disk", "tests/evidence/test_failing_disk.py"),
    Elsewhere("audit/historic-attacks-as-files", "tests/evidence/test_vectors.py"),
    Elsewhere("kill/stdio-tells-the-child", "tests/path/test_wrap.py"),
    Elsewhere("neighbour/another-user-on-the-socket", "tests/path/test_peer_user.py"),
    Elsewhere("policy/huge-or-damaged-bundle", "tests/policy/test_bundle.py"),
    Elsewhere("policy/opa-socket-of-another-user", "tests/policy/test_peer.py"),
    Elsewhere("approval/clock-set-back", "tests/policy/test_approval.py"),
    Elsewhere("approval/file-filled-by-asking-and-cancelling", "tests/policy/test_approval.py"),
    Elsewhere("approval/all-places-of-held-calls", "tests/path/test_holding.py"),
    Elsewhere("approval/agent-at-the-desk", "tests/peers/test_approval_desk.py"),
    Elsewhere("redaction/catastrophic-pattern", "tests/evidence/redaction/test_hostile.py"),
    *(Elsewhere(f"redaction/{hidden.name}", "tests/evidence/redaction/test_hiding.py") for hidden in FOUND),
    Elsewhere("supply-chain/hash-locked-dependencies", "tests/structure/test_dependencies.py"),
    *CENTRAL,
)
KNOWN_MISSES: Final = (
    *(
        KnownMiss(f"redaction/{hidden.name}", "policy can redact its place; evidence does not find it by its form")
        for hidden in MISSED
    ),
)
NOT_BUILT: Final = (
    *(
        NotBuilt(f"oauth/{name}", "callers show a configured token; there is no token exchange")
        for name in (
            "wrong-audience",
            "wrong-issuer",
            "alg-none",
            "kid-as-path",
            "expired",
            "not-yet-valid",
            "wider-scope",
        )
    ),
    NotBuilt("replay/opens-no-connection", "there is no replay"),
    NotBuilt("supply-chain/sbom", "no list of parts is made"),
)
OTHERS: Final[tuple[Elsewhere | KnownMiss | NotBuilt, ...]] = (*ELSEWHERE, *KNOWN_MISSES, *NOT_BUILT)
