# Part of every composition: a task goes on with a call that was allowed before; whose task it is, the sidecar knows.
package agentgate.templates.tasks

decision := {"effect": "allow", "reason": "follows_call", "obligations": {}} if {
	input.call.direction == "client"
	input.call.method in {"tasks/get", "tasks/result", "tasks/cancel"}
}

opens contains item.name if {
	input.call.method == "tasks/list"
	some item in input.items
}

shuts := set()
