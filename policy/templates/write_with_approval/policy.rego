# What changes something waits for a human. It never allows: what only reads is for other templates to allow.
package agentgate.templates.write_with_approval

import data.agentgate.templates.places
import data.agentgate.templates.scope

settings := scope.of("write-with-approval")

decision := {"effect": "require_approval", "reason": "write_needs_approval", "obligations": obligations} if {
	input.call.method == "tools/call"
	changes(input.call.name, input.call.definition)
}

changes(name, _) if places.has(settings.tools, name)

# Every tool that does not say that it only reads; a tool without a definition says nothing.
changes(_, definition) if {
	settings.tools == "writing"
	not only_reads(definition)
}

only_reads(definition) if definition.annotations.readOnlyHint == true

obligations := {"approval": settings.approval} if {
	settings.approval
} else := {}

opens contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	changes(item.name, item.definition)
}

shuts := set()
