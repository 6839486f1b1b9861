# What the chosen templates say, as one decision: a deny wins, then a human's approval, then an allowance; what no template
# allows is denied. Obligations are those of every template that does not deny. An exception lifts a denial that lets itself
# be excepted (`exceptable`) and no other: it counts as an allowance then. `chosen.rego` names the templates.
package agentgate

import data.agentgate.templates.chosen

decision := object.union(opinion, {"exception": data.agentgate.rules.excepting[0]}) if {
	excepted
} else := opinion if {
	not excepted
} else := {
	"effect": "deny",
	"reason": "no_template",
	"message": data.reasons.no_template,
	"rules": [],
	"obligations": {},
}

listing := {"hide": [name | name := input.items[_].name; not open[name]]}

opinion := {
	"effect": effect,
	"reason": reason,
	"message": object.get(data.reasons, reason, ""),
	"rules": speakers,
	"obligations": obligations,
}

effect := "deny" if {
	effects.deny
} else := "require_approval" if {
	effects.require_approval
} else := "allow" if effects.allow

effects := {said | said := standing[_].effect}

# What stands of what the templates say, once an exception has lifted what it may.
standing := chosen.said if {
	count(lifted) == 0
} else := object.union(chosen.said, {rank: {"effect": "allow", "reason": "excepted"} | some rank in lifted})

lifted := {rank |
	one := chosen.said[rank]
	one.exceptable == true
	one.effect == "deny"
	data.agentgate.rules.excepting[0]
}

reason := "excepted" if {
	effect == "allow"
	count(lifted) > 0
} else := winning[0].reason

# The templates that say it, by their names.
speakers := [name |
	one := standing[rank]
	one.effect == effect
	name := chosen.names[rank]
]

# Those that say it, in the order in which they were chosen.
winning := [one | one := standing[_]; one.effect == effect]

# The decision goes by an exception, and names it.
excepted if {
	by_exception
	effect != "deny"
}

by_exception if count(lifted) > 0

by_exception if standing[_].exception

obligations := object.union(merged, {"approval": winning[0].obligations.approval}) if {
	effect == "require_approval"
} else := merged if {
	effect != "deny"
} else := {}

# Each obligation as the list of all that is asked for; of approvals that of the first counts.
merged := {name: values |
	some name, _ in standing[_].obligations
	name != "approval"
	values := [value | value := standing[_].obligations[name][_]]
}

open := chosen.opens - chosen.shuts
