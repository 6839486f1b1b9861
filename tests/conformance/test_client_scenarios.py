"""A real client behind the sidecar: every check of the suite's client scenarios comes out the same as without it.

The policy is `observe`, Authorization passes, and evidence is on. Exceptions stand in client_allowed.toml.
"""

from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.client_suite import DIRECT, THROUGH, allowed, every_allowed, run_scenario
from tests.conformance.suite import differences

BOTH = [
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
]
ONLY_2025_11_25 = ["initialize", "elicitation-sep1034-client-defaults", "sse-retry"]
ONLY_2026_07_28 = [
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
]
ONLY_2025_03_26 = ["auth/2025-03-26-oauth-metadata-backcompat", "auth/2025-03-26-oauth-endpoint-fallback"]
SCENARIOS = {
    "2025-03-26": ONLY_2025_03_26,
    "2025-11-25": [*ONLY_2025_11_25, *BOTH],
    "2026-07-28": [*BOTH, *ONLY_2026_07_28],
}
"""What the revisions require of clients, and of the rest what the SDK can do (no DPoP, no workload identity)."""

ROWS = [pytest.param(name, version, id=f"{name}@{version}") for version, names in SCENARIOS.items() for name in names]

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]


@pytest.mark.parametrize(("scenario", "version"), ROWS)
def test_every_check_of_a_client_comes_out_the_same(scenario: str, version: str, tmp_path: Path) -> None:
    direct = run_scenario(scenario, version, DIRECT, tmp_path / "direct")
    through = run_scenario(scenario, version, THROUGH, tmp_path / "through")
    assert Counter(check.status for check in direct.elements())["SUCCESS"] >= 1
    assert differences(direct, through) == allowed(scenario, version)


def test_every_allowed_difference_is_of_a_row_and_has_its_reason() -> None:
    rows = {(name, version) for version, names in SCENARIOS.items() for name in names}
    listed = {(name, version) for row in every_allowed() for name in row["scenarios"] for version in row["versions"]}
    assert listed <= rows
    assert all(len(row["reason"]) > 40 for row in every_allowed())
