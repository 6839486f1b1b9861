# The starter's decision: what was granted, what a trusted upstream declares to be reading, what follows from those, what
# an exception allows for a while; everything else is denied. An exception lifts only what is said to be exceptable: that
# nothing is granted for the call, and a denial or a wish for an approval whose grant says so.
package agentgate.rules

decision := answer("deny", "denied_by_operator", denying) if {
	denying[0]
	not denial_lifted
} else := answer("deny", "definition_changed", []) if {
	changed(input.call.definition.pinned)
} else := by_exception(denying) if {
	denying[0]
} else := answer("allow", "granted", allowing) if {
	allowing[0]
} else := answer("allow", "approved", asking) if {
	asking[0]
	input.approval.id
} else := by_exception(asking) if {
	asking[0]
	asking_lifted
} else := answer("require_approval", "approval_required", asking) if {
	asking[0]
} else := answer("allow", "read_only_trusted", ["read_only_trusted"]) if {
	input.call.method == "tools/call"
	read_only(input.call.definition.annotations.readOnlyHint, input.call.definition.pinned)
} else := answer("allow", "upstream_trusted", ["upstream_trusted"]) if {
	trusted
	data.agentgate.methods.reading[input.call.method]
} else := answer("allow", "follows_grant", ["follows_grant"]) if {
	follows
} else := by_exception([]) if {
	excepting[0]
} else := answer("deny", "argument_refused", granting) if {
	granting[0]
} else := answer("deny", "method_unknown", []) if {
	not data.agentgate.methods.known[input.call.method]
} else := answer("deny", "not_granted", [])

answer(effect, reason, rules) := {
	"effect": effect,
	"reason": reason,
	"message": object.get(data.agentgate.reasons, reason, ""),
	"rules": rules,
	"obligations": {},
}

by_exception(rules) := {
	"effect": "allow",
	"reason": "excepted",
	"message": object.get(data.agentgate.reasons, "excepted", ""),
	"rules": rules,
	"obligations": {},
	"exception": excepting[0],
}

# Every entry that denies the call lets itself be excepted, and an exception holds.
denial_lifted if {
	not denied_firmly
	excepting[0]
}

denied_firmly if {
	some entry in about.deny
	not entry.exceptable
	reaches(entry, input.call.name)
}

asking_lifted if {
	not asked_firmly
	excepting[0]
}

asked_firmly if {
	some entry in about.require_approval
	not entry.exceptable
	reaches(entry, input.call.name)
	met(entry)
}

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

# What is granted or denied about this call.
about := found if {
	found := at_upstream[method][input.call.name]
} else := found if {
	found := at_upstream[method]["*"]
} else := {}

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
	reached(entries({"method": asked, "name": null}).allow, null)
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
	those := entries({"method": "resources/read", "name": uri})
	reached(those.allow, uri)
	not forbidden(those, uri)
}
