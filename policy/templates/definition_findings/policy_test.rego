package agentgate.templates.definition_findings_test

import data.agentgate.templates.definition_findings

settings := {"*": {"*": {
	"u": {"definition-findings": {"deny": ["hidden_text"], "approve": ["long_text"], "approval": {"expires": 600}}},
	"v": {"definition-findings": {"deny": ["hidden_text"]}},
}}}

said(upstream, definition) := decision if {
	decision := definition_findings.decision with data.settings as settings
		with input.caller as {"tenant": "t", "agent": "a"}
		with input.call as {"method": "tools/call", "upstream": upstream, "name": "x", "definition": definition}
}

found(codes) := {"pinned": "unpinned", "annotations": {}, "findings": codes}

test_denied if {
	said("u", found(["hidden_text", "long_text"])).reason == "definition_odd"
	said("v", found(["hidden_text"])).effect == "deny"
}

test_asked if {
	decision := said("u", found(["long_text"]))
	decision.effect == "require_approval"
	decision.obligations == {"approval": {"expires": 600}}
	not said("v", found(["long_text"]))
}

test_nothing_that_counts if {
	not said("u", found([]))
	not said("u", found(["wants_secret"]))
	not said("w", found(["hidden_text"]))
}

test_what_nobody_has_looked_at if {
	said("u", null).reason == "definition_unseen"
	not said("w", null)
}

listed(name) := names if {
	items := [
		{"name": "odd", "definition": found(["hidden_text", "long_text"])},
		{"name": "long", "definition": found(["long_text"])},
		{"name": "plain", "definition": found([])},
	]
	names := definition_findings[name] with data.settings as settings
		with input as {
			"caller": {"tenant": "t", "agent": "a"},
			"call": {"method": "tools/list", "upstream": "u"},
			"items": items,
		}
}

test_listed if {
	listed("opens") == {"odd", "long"}
	listed("shuts") == {"odd"}
}
