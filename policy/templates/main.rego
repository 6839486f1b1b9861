# What the chosen templates say, as one decision: a deny wins, then a human's approval, then an allowance; what no template
# allows is denied. Obligations are those of every template that does not deny. An exception lifts a denial that lets itself
# be excepted (`exceptable`) and no other: it counts as an allowance then. `chosen.rego` names the templates.
package agentgate

import data.agentgate.templates.chosen

decision := object.union(opinion, exception) if {
	opinion
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
	said("deny")
} else := "require_approval" if {
	said("require_approval")
} else := "allow" if {
	said("allow")
}

said(wanted) if {
	some one in standing
	one.effect == wanted
}

# What stands of what the templates say, once an exception has lifted what it may.
standing := chosen.said if {
	count(lifted) == 0
} else := object.union(chosen.said, {rank: {"effect": "allow", "reason": "excepted"} | some rank in lifted})

lifted := {rank |
	one := chosen.said[rank]
	one.effect == "deny"
	one.exceptable == true
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
winning := [one | some one in standing; one.effect == effect]

# The exception that the decision goes by, if it goes by one.
exception := {"exception": data.agentgate.rules.excepting[0]} if {
	effect != "deny"
	by_exception
} else := {}

by_exception if count(lifted) > 0

by_exception if {
	some one in standing
	one.exception
}

default obligations := {}

obligations := object.union(merged, asked) if effect != "deny"

# Each obligation as the list of all that is asked for.
merged := {name: values |
	some one in standing
	some name, _ in one.obligations
	name != "approval"
	values := [value | some other in standing; some value in other.obligations[name]]
}

# How the first that asks for an approval wants it.
asked := {"approval": winning[0].obligations.approval} if {
	effect == "require_approval"
} else := {}

open := chosen.opens - chosen.shuts
