package agentgate.templates.write_with_approval_test

import data.agentgate.templates.write_with_approval

settings := {"*": {"*": {
	"u": {"write-with-approval": {"tools": {"write": {}}, "approval": {"expires": 600}}},
	"v": {"write-with-approval": {"tools": "writing"}},
}}}

said(upstream, name, definition) := decision if {
	decision := write_with_approval.decision with data.settings as settings
		with input.caller as {"tenant": "t", "agent": "a"}
		with input.call as {"method": "tools/call", "upstream": upstream, "name": name, "definition": definition}
}

test_named if {
	decision := said("u", "write", null)
	decision.effect == "require_approval"
	decision.obligations == {"approval": {"expires": 600}}
	not said("u", "read", null)
}

test_all_that_write if {
	said("v", "any", null).effect == "require_approval"
	said("v", "any", {"annotations": {}}).obligations == {}
	said("v", "any", {"annotations": {"readOnlyHint": "true"}})
	not said("v", "any", {"annotations": {"readOnlyHint": true}})
}

test_elsewhere if not said("w", "write", null)
