# Personal data stays out of what the agent gets, of what the server gets, and of evidence: the named tools are allowed, and
# the values at the named pointers are replaced. A tool for which nothing is named is not allowed: a misspelt member is none.
package agentgate.templates.pii_strict

import data.agentgate.templates.scope

settings := scope.of("pii-strict")

tool := settings.tools[input.call.name] if input.call.method == "tools/call"

decision := {"effect": "allow", "reason": "redacted", "obligations": obligations} if {
	clear(tool)
} else := {"effect": "deny", "reason": "redaction_unclear", "obligations": {}} if tool

# Something is to be taken out, and nothing else is said.
clear(named) if {
	redact(named) != {}
	object.remove(named, ["params", "result", "label"]) == {}
}

# The pointers, as far as there are any: an empty list redacts nothing.
redact(named) := {part: pointers |
	some part in ["params", "result"]
	pointers := named[part]
	is_array(pointers)
	count(pointers) > 0
}

obligations := object.union({"redact": [redact(tool)], "record": ["digest"]}, labels)

labels := {"label": [tool.label]} if {
	tool.label
} else := {}

opens contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	clear(settings.tools[item.name])
}

shuts contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	named := settings.tools[item.name]
	not clear(named)
}
