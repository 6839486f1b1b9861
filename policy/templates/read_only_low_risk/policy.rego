# Tools that say of themselves that they only read, destroy nothing and stay within what the server holds. Annotations are the
# server's word: this is for upstreams that you trust, and `pinned` demands that somebody has reviewed the definition.
package agentgate.templates.read_only_low_risk

import data.agentgate.templates.places
import data.agentgate.templates.scope

settings := scope.of("read-only-low-risk")

decision := {"effect": "allow", "reason": "reads_only", "obligations": {}} if {
	input.call.method == "tools/call"
	harmless(input.call.name, input.call.definition)
} else := {"effect": "allow", "reason": "reads_only", "obligations": {}} if {
	input.call.method in {"resources/read", "prompts/get"}
	input.call.method in settings.methods
}

harmless(name, definition) if {
	named(name)
	definition.annotations.readOnlyHint == true
	object.get(definition.annotations, "destructiveHint", false) == false
	object.get(definition.annotations, "openWorldHint", false) == false
	reviewed(definition.pinned)
}

named(_) if settings.tools == "all"

named(name) if places.has(settings.tools, name)

reviewed("same")

reviewed("unpinned") if not settings.pinned

reviewed("new") if not settings.pinned

opens contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	harmless(item.name, item.definition)
}

opens contains item.name if {
	listed := {
		"resources/list": "resources/read",
		"resources/templates/list": "resources/read",
		"prompts/list": "prompts/get",
	}
	listed[input.call.method] in settings.methods
	some item in input.items
}

shuts := set()
