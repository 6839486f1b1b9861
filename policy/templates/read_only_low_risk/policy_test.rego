package agentgate.templates.read_only_low_risk_test

import data.agentgate.templates.read_only_low_risk

settings := {"*": {"*": {
	"all": {"read-only-low-risk": {"tools": "all", "methods": ["resources/read"]}},
	"some": {"read-only-low-risk": {"tools": {"look": {}}, "pinned": true}},
}}}

said(upstream, name, pinned, annotations) := decision.effect if {
	decision := read_only_low_risk.decision with data.settings as settings
		with input.caller as {"tenant": "t", "agent": "a"}
		with input.call as {
			"method": "tools/call",
			"upstream": upstream,
			"name": name,
			"definition": {"pinned": pinned, "annotations": annotations},
		}
}

test_reading if {
	said("all", "any", "unpinned", {"readOnlyHint": true}) == "allow"
	said("all", "any", "new", {"readOnlyHint": true, "openWorldHint": false}) == "allow"
	said("some", "look", "same", {"readOnlyHint": true}) == "allow"
}

test_not_reading if {
	not said("all", "any", "unpinned", {})
	not said("all", "any", "unpinned", {"readOnlyHint": "true"})
	not said("all", "any", "unpinned", {"readOnlyHint": true, "destructiveHint": true})
	not said("all", "any", "unpinned", {"readOnlyHint": true, "openWorldHint": true})
	not said("all", "any", "changed", {"readOnlyHint": true})
}

test_not_reviewed_or_not_named if {
	not said("some", "look", "new", {"readOnlyHint": true})
	not said("some", "look", "unpinned", {"readOnlyHint": true})
	not said("some", "other", "same", {"readOnlyHint": true})
	not said("third", "look", "same", {"readOnlyHint": true})
}

test_resources if {
	caller := {"tenant": "t", "agent": "a"}
	call := {"method": "resources/read", "upstream": "all", "name": "file:///x"}
	read_only_low_risk.decision.effect == "allow" with data.settings as settings
		with input as {"caller": caller, "call": call}
	not read_only_low_risk.decision with data.settings as settings
		with input as {"caller": caller, "call": object.union(call, {"method": "prompts/get"})}
}
