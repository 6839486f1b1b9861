"""The suite's client scenarios, each run against a client without and with a sidecar, and compared check by check."""

import json
import shlex
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.conformance.client_through import CLIENT
from tests.conformance.suite import Check, Difference, SuiteFailed
from tests.peers.places import ROOT, node_program

DIRECT: Final = CLIENT
THROUGH: Final = (sys.executable, "-W", "ignore", "-m", "tests.conformance.client_through")
ALLOWED: Final = Path(__file__).with_name("client_allowed.toml")
RUN_SECONDS: Final = 90.0
CLIENT_MILLISECONDS: Final = 60_000
_BOTH: Final = (
    "tools_call",
    "auth/metadata-default",
    "auth/metadata-var1",
    "auth/metadata-var2",
    "auth/metadata-var3",
    "auth/basic-cimd",
    "auth/scope-from-www-authenticate",
    "auth/scope-from-scopes-supported",
    "auth/scope-omitted-when-undefined",
    "auth/scope-step-up",
    "auth/scope-retry-limit",
    "auth/token-endpoint-auth-basic",
    "auth/token-endpoint-auth-post",
    "auth/token-endpoint-auth-none",
    "auth/pre-registration",
    "json-schema-2020-12-preservation",
)
_ONLY_2025_11_25: Final = ("initialize", "elicitation-sep1034-client-defaults", "sse-retry")
_ONLY_2026_07_28: Final = (
    "request-metadata",
    "auth/resource-mismatch",
    "auth/offline-access-scope",
    "auth/offline-access-not-supported",
    "auth/authorization-server-migration",
    "auth/iss-supported",
    "auth/iss-not-advertised",
    "auth/iss-supported-missing",
    "auth/iss-wrong-issuer",
    "auth/iss-unexpected",
    "auth/iss-normalized",
    "auth/metadata-issuer-mismatch",
    "auth/client-credentials-jwt",
    "auth/client-credentials-basic",
    "sep-2322-client-request-state",
    "http-standard-headers",
    "http-custom-headers",
    "http-invalid-tool-headers",
    "json-schema-ref-no-deref",
)
_ONLY_2025_03_26: Final = ("auth/2025-03-26-oauth-metadata-backcompat", "auth/2025-03-26-oauth-endpoint-fallback")
SCENARIOS: Final[Mapping[str, tuple[str, ...]]] = {
    "2025-03-26": _ONLY_2025_03_26,
    "2025-11-25": (*_ONLY_2025_11_25, *_BOTH),
    "2026-07-28": (*_BOTH, *_ONLY_2026_07_28),
}
"""What the revisions require of clients, and of the rest what the SDK can do (no DPoP, no workload identity)."""


def run_scenario(scenario: str, version: str, client: tuple[str, ...], folder: Path) -> Counter[Check]:
    """Runs one scenario with one client; how often each verdict was given. Raises SuiteFailed.

    INFO is no verdict here: it is each request that the scenario's servers saw.
    """
    options = ["--scenario", scenario, "--timeout", str(CLIENT_MILLISECONDS), "--output-dir", str(folder)]
    options += ["--spec-version", version, "--force"]
    done = subprocess.run(
        [*node_program("conformance"), "client", "--command", shlex.join(client), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    verdicts = Counter(
        Check(scenario, check["id"], check["status"])
        for file in sorted(folder.rglob("checks.json"))
        for check in json.loads(file.read_bytes())
        if check["status"] != "INFO"
    )
    if not verdicts:
        raise SuiteFailed((done.stdout + done.stderr)[-2000:])
    return verdicts


def every_allowed() -> list[dict[str, Any]]:
    """The rows of `client_allowed.toml`: `{scenarios, versions, check, direct, through, reason}`."""
    return list(tomllib.loads(ALLOWED.read_text("utf-8"))["difference"])


def allowed(scenario: str, version: str) -> dict[Difference, str]:
    """The differences that are allowed for one scenario and revision, sorted, each with its reason."""
    rows = [row for row in every_allowed() if scenario in row["scenarios"] and version in row["versions"]]
    return {
        Difference(scenario, row["check"], tuple(row["direct"]), tuple(row["through"])): row["reason"]
        for row in sorted(rows, key=lambda row: str(row["check"]))
    }
