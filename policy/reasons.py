"""Every reason code that the built-in policies and the contract with policy can give, each with its meaning.

The built-in Rego finds its messages here: `policy/rego/rules/data.json` holds the first table, and a test
holds the two to each other.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

POLICY_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "granted": "An operator has granted this.",
        "approved": "A human has approved this call.",
        "approval_required": "An operator has granted this with a human's approval only.",
        "excepted": "An exception for a limited time allows this.",
        "read_only_trusted": "A trusted upstream declares that this tool only reads.",
        "upstream_trusted": "Reading from a trusted upstream is allowed.",
        "follows_grant": "This continues what was allowed before.",
        "observed": "Everything is allowed and recorded: this policy only observes.",
        "denied_by_operator": "An operator has denied this.",
        "definition_changed": "The definition of this tool is not the one that was pinned.",
        "argument_refused": "This is granted, but not with these arguments.",
        "method_unknown": "No rule knows this method.",
        "not_granted": "Nobody has granted this.",
    }
)
"""Given by `policy/rego`; a policy of one's own may have any other code."""

GATE_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "contained": "An operator's order stops this agent, upstream or tool.",
        "obligation_unmet": "Policy allows this on a condition that this sidecar cannot keep.",
        "approval_rejected": "A human was asked to approve this, and did not.",
        "approvals_failed": "Approvals could not be read or written.",
        "limit_reached": "Policy allows so many calls in this time, and they have been made.",
        "memory_failed": "What the caller has done before could not be read or written.",
        "policy_undefined": "Policy has no decision for this.",
        "policy_malformed": "Policy answered with something that is not a decision.",
        "exception_unfit": "Policy goes by an exception that is not in force for this call.",
        "input_unfit": "The call cannot be put before policy as it is.",
        "engine_failed": "The policy engine failed.",
        "engine_timeout": "The policy engine did not answer in time.",
        "engine_unavailable": "The policy engine cannot be reached, or has no policy yet.",
        "engine_inexact": "The embedded engine does not evaluate this policy exactly for a call of this content.",
    }
)
"""Given where policy is asked, in Python."""
