# The starter's decision: what was granted, what a trusted upstream declares to be reading, what follows from those;
# everything else is denied.
package agentgate.rules

decision := {
	"effect": verdict.effect,
	"reason": verdict.reason,
	"message": data.agentgate.reasons[verdict.reason],
	"rules": verdict.rules,
	"obligations": {},
}

verdict := {"effect": "deny", "reason": "denied_by_operator", "rules": denying} if {
	denying[0]
} else := {"effect": "deny", "reason": "definition_changed", "rules": []} if {
	changed(input.call.definition.pinned)
} else := {"effect": "allow", "reason": "granted", "rules": allowing} if {
	allowing[0]
} else := {"effect": "require_approval", "reason": "approval_required", "rules": asking} if {
	asking[0]
} else := {"effect": "allow", "reason": "read_only_trusted", "rules": ["read_only_trusted"]} if {
	input.call.method == "tools/call"
	read_only(input.call.definition.annotations.readOnlyHint, input.call.definition.pinned)
} else := {"effect": "allow", "reason": "upstream_trusted", "rules": ["upstream_trusted"]} if {
	trusted
	data.agentgate.methods.reading[input.call.method]
} else := {"effect": "allow", "reason": "follows_grant", "rules": ["follows_grant"]} if {
	follows
} else := {"effect": "deny", "reason": "argument_refused", "rules": granting} if {
	granting[0]
} else := {"effect": "deny", "reason": "method_unknown", "rules": []} if {
	not data.agentgate.methods.known[input.call.method]
} else := {"effect": "deny", "reason": "not_granted", "rules": []}

# The method that a grant must name for this call.
method := "tools/call" if {
	input.call.method == "tools/call"
} else := "resources/read" if {
	input.call.method == "resources/subscribe"
} else := "prompts/get" if {
	input.call.method == "completion/complete"
	input.call.params.ref.type == "ref/prompt"
} else := "resources/read" if {
	input.call.method == "completion/complete"
} else := input.call.method

about := entries(method, input.call.name)

denying := [entry.id | some entry in about.deny; reaches(entry, input.call.name)]

allowing := [entry.id | some entry in about.allow; reaches(entry, input.call.name); met(entry)]

asking := [entry.id | some entry in about.require_approval; reaches(entry, input.call.name); met(entry)]

granting := [entry.id |
	some effect in ["allow", "require_approval"]
	some entry in about[effect]
	reaches(entry, input.call.name)
]

# A tool that its trusted upstream annotates as reading only, and that has not changed since it was pinned.
read_only(true, pinned) if {
	trusted
	not unsettled(pinned)
}

unsettled("new")

unsettled(pinned) if changed(pinned)

changed("changed")

changed("renamed")

changed("duplicate")

# A task goes on with a call that was allowed before; whose task it is, the sidecar knows.
follows if {
	input.call.method in ["tasks/get", "tasks/result", "tasks/cancel"]
	input.call.direction == "client"
	familiar
}

# The client's answers to questions of the server, for whoever may be asked any.
follows if {
	input.call.method == "tasks/update"
	some asked in ["sampling/createMessage", "elicitation/create", "roots/list"]
	allowed(asked, null)
}

# Notifications of an upstream where the caller may do something, about resources that it may read.
follows if {
	input.call.method == "subscriptions/listen"
	familiar
	not listens_beyond
}

listens_beyond if {
	some uri in input.call.params.notifications.resourceSubscriptions
	not readable(uri)
}

readable(uri) if {
	allowed("resources/read", uri)
	not forbidden("resources/read", uri)
}
