# Servers do not get to use the client's model. Other questions of theirs are allowed only where it is said.
package agentgate.templates.sampling_off

import data.agentgate.templates.scope

settings := scope.of("sampling-off")

questions := {"sampling/createMessage", "elicitation/create", "roots/list"}

decision := {"effect": "deny", "reason": "sampling_off", "obligations": {}} if {
	input.call.method == "sampling/createMessage"
} else := {"effect": "allow", "reason": "question_allowed", "obligations": {}} if {
	input.call.method in questions
	input.call.method in settings.questions
} else := {"effect": "deny", "reason": "question_off", "obligations": {}} if {
	input.call.method in questions
}

opens := set()

shuts := set()
