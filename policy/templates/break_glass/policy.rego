# More than usual for a while: between two moments, a day apart at most, every call of it recorded in full. Outside of that time
# it says nothing, and what other templates deny stays denied.
package agentgate.templates.break_glass

import data.agentgate.templates.places
import data.agentgate.templates.scope

settings := scope.of("break-glass")

decision := {
	"effect": "allow",
	"reason": "glass_broken",
	"obligations": {"durability": ["host"], "record": ["full"], "label": ["broke_glass"]},
} if {
	input.call.method == "tools/call"
	open_now
	named(input.call.name)
}

open_now if {
	is_number(settings.from)
	is_number(settings.until)
	settings.until - settings.from <= 86400
	settings.from * 1000000000 <= input.time.unix_ns
	input.time.unix_ns < settings.until * 1000000000
}

named(_) if settings.tools == "all"

named(name) if places.has(settings.tools, name)

opens contains item.name if {
	input.call.method == "tools/list"
	open_now
	some item in input.items
	named(item.name)
}

shuts := set()
