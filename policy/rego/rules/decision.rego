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

verdict := {"effect": "deny", "reason": "denied_by_operator", "rules": ids(denying)} if {
	some _ in denying
} else := {"effect": "deny", "reason": "definition_changed", "rules": []} if {
	changed(input.call.definition)
} else := {"effect": "allow", "reason": "granted", "rules": ids(allowing)} if {
	some _ in allowing
} else := {"effect": "require_approval", "reason": "approval_required", "rules": ids(asking)} if {
	some _ in asking
} else := {"effect": "allow", "reason": "read_only_trusted", "rules": ["read_only_trusted"]} if {
	input.call.method == "tools/call"
	read_only(input.call.definition)
} else := {"effect": "allow", "reason": "upstream_trusted", "rules": ["upstream_trusted"]} if {
	trusted
	reading[input.call.method]
} else := {"effect": "allow", "reason": "follows_grant", "rules": ["follows_grant"]} if {
	follows
} else := {"effect": "deny", "reason": "argument_refused", "rules": ids(granting)} if {
	some _ in granting
} else := {"effect": "deny", "reason": "method_unknown", "rules": []} if {
	not known[input.call.method]
} else := {"effect": "deny", "reason": "not_granted", "rules": []}

# What this call is about, in the words of a grant: method and name.
target := {"method": "resources/read", "name": input.call.name} if {
	input.call.method == "resources/subscribe"
} else := {"method": "prompts/get", "name": input.call.name} if {
	input.call.method == "completion/complete"
	input.call.params.ref.type == "ref/prompt"
} else := {"method": "resources/read", "name": input.call.name} if {
	input.call.method == "completion/complete"
} else := {"method": input.call.method, "name": input.call.name}

denying := {entry | some entry in found; entry.effect == "deny"}

granting := {entry | some entry in found; entry.effect != "deny"}

allowing := {entry | some entry in granting; entry.effect == "allow"; met(entry)}

asking := {entry | some entry in granting; entry.effect == "require_approval"; met(entry)}

ids(those) := [entry.id | some entry in those]

reading := {
	"resources/read": true,
	"resources/subscribe": true,
	"prompts/get": true,
	"completion/complete": true,
	"subscriptions/listen": true,
	"roots/list": true,
}

known := {
	"tools/call": true,
	"resources/read": true,
	"resources/subscribe": true,
	"prompts/get": true,
	"completion/complete": true,
	"subscriptions/listen": true,
	"tasks/get": true,
	"tasks/result": true,
	"tasks/update": true,
	"tasks/cancel": true,
	"sampling/createMessage": true,
	"elicitation/create": true,
	"roots/list": true,
}

# A tool that its trusted upstream annotates as reading only, and that has not changed since it was pinned.
read_only(definition) if {
	trusted
	definition.annotations.readOnlyHint == true
	not unsettled(definition)
}

unsettled(definition) if definition.pinned == "new"

unsettled(definition) if changed(definition)

changed(definition) if definition.pinned in {"changed", "renamed", "duplicate"}

# A task goes on with a call that was allowed before; whose task it is, the sidecar knows.
follows if {
	input.call.method in {"tasks/get", "tasks/result", "tasks/cancel"}
	input.call.direction == "client"
	familiar
}

# The client's answers to questions of the server, for whoever may be asked any.
follows if {
	input.call.method == "tasks/update"
	some method in {"sampling/createMessage", "elicitation/create", "roots/list"}
	allowed(method, null)
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
