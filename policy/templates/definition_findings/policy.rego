# What looks odd in the definition of a tool denies it, or has its calls wait for a human. It never allows.
package agentgate.templates.definition_findings

import data.agentgate.templates.scope

settings := scope.of("definition-findings")

decision := {"effect": "deny", "reason": "definition_odd", "obligations": {}} if {
	input.call.method == "tools/call"
	denied(input.call.definition)
} else := {"effect": "deny", "reason": "definition_unseen", "obligations": {}} if {
	input.call.method == "tools/call"
	settings
	not seen(input.call.definition)
} else := {"effect": "require_approval", "reason": "definition_needs_approval", "obligations": obligations} if {
	input.call.method == "tools/call"
	asked(input.call.definition)
}

denied(definition) if {
	some code in definition.findings
	code in settings.deny
}

asked(definition) if {
	some code in definition.findings
	code in settings.approve
}

seen(definition) if is_array(definition.findings)

obligations := {"approval": settings.approval} if {
	settings.approval
} else := {}

opens contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	asked(item.definition)
}

shuts contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	denied(item.definition)
}
