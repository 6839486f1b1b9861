# More than usual for a while: named tools, for whom and as long as a signed exception says so. Nothing else holds it open:
# who signed it, why and until when stands there. Every call of it is recorded in full; what other templates deny stays denied
# unless it lets itself be excepted, too.
package agentgate.templates.break_glass

import data.agentgate.rules
import data.agentgate.templates.places
import data.agentgate.templates.scope

settings := scope.of("break-glass")

decision := {
	"effect": "allow",
	"reason": "glass_broken",
	"obligations": {"durability": ["host"], "record": ["full"], "label": ["broke_glass"]},
	"exception": rules.excepting[0],
} if {
	input.call.method == "tools/call"
	named(input.call.name)
}

named(_) if settings.tools == "all"

named(name) if places.has(settings.tools, name)

opens contains name if {
	input.call.method == "tools/list"
	some name in rules.exempt
	named(name)
}

shuts := set()
