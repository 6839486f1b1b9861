# What the chosen templates say, as one decision: a deny wins, then a human's approval, then an allowance; what no template
# allows is denied. Obligations are those of every template that does not deny. `chosen.rego` names the templates.
package agentgate

import data.agentgate.templates.chosen

decision := {
	"effect": effect,
	"reason": winning[0].reason,
	"message": object.get(data.reasons, winning[0].reason, ""),
	"rules": rules,
	"obligations": obligations,
} if {
	winning[0]
} else := {
	"effect": "deny",
	"reason": "no_template",
	"message": data.reasons.no_template,
	"rules": [],
	"obligations": {},
}

listing := {"hide": [name | name := input.items[_].name; not open[name]]}

effect := "deny" if {
	said("deny")
} else := "require_approval" if {
	said("require_approval")
} else := "allow" if {
	said("allow")
}

said(wanted) if {
	some one in chosen.said
	one.effect == wanted
}

rules := [name |
	one := chosen.said[rank]
	one.effect == effect
	name := chosen.names[rank]
]

# Those that say it, in the order in which they were chosen.
winning := [one | some one in chosen.said; one.effect == effect]

default obligations := {}

obligations := object.union(merged, asked) if effect != "deny"

# Each obligation as the list of all that is asked for.
merged := {name: values |
	some one in chosen.said
	some name, _ in one.obligations
	name != "approval"
	values := [value | some other in chosen.said; some value in other.obligations[name]]
}

# How the first that asks for an approval wants it.
asked := {"approval": winning[0].obligations.approval} if {
	effect == "require_approval"
} else := {}

open := chosen.opens - chosen.shuts
