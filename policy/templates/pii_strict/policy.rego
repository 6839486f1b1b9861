# Personal data stays out of what the agent gets, of what the server gets, and of evidence: the named tools are allowed, and
# the values at the named pointers are replaced. A tool for which nothing is named is not allowed: a misspelt member is none.
package agentgate.templates.pii_strict

import data.agentgate.templates.scope

settings := scope.of("pii-strict")

tool := settings.tools[input.call.name] if input.call.method == "tools/call"

decision := {"effect": "allow", "reason": "redacted", "obligations": obligations} if {
	tool
	redact != {}
	unknown == {}
} else := {"effect": "deny", "reason": "redaction_unclear", "obligations": {}} if tool

# The pointers, as far as there are any: an empty list redacts nothing.
redact := {part: pointers |
	some part in ["params", "result"]
	pointers := tool[part]
	is_array(pointers)
	count(pointers) > 0
}

unknown := object.remove(tool, ["params", "result", "label"])

obligations := object.union({"redact": [redact], "record": ["digest"]}, labels)

labels := {"label": [tool.label]} if {
	tool.label
} else := {}

opens contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	settings.tools[item.name]
}

shuts := set()
