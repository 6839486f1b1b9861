# Changes of a cloud, so many in a time, each so large at most: what can be spent is the product of both.
package agentgate.templates.cloud_limit

import data.agentgate.templates.scope

settings := scope.of("cloud-limit")

tool := settings.tools[input.call.name] if input.call.method == "tools/call"

decision := {"effect": "allow", "reason": "within_limits", "obligations": obligations} if {
	count(limits) > 0
	not exceeds
} else := {
	"effect": "deny",
	"reason": "change_too_large",
	"obligations": obligations,
	"exceptable": readable,
} if {
	tool
}

obligations := {"limit": limits, "durability": ["host"]}

# The tool's own limit, and that of all changes of this caller at this upstream.
limits := array.concat(own, total)

own := [{"key": key, "count": tool.limit.count, "window": tool.limit.window} |
	key := concat("/", ["cloud-limit", input.caller.agent, input.call.upstream, input.call.name])
	tool.limit
]

total := [{"key": key, "count": settings.total.count, "window": settings.total.window} |
	key := concat("/", ["cloud-limit", input.caller.agent, input.call.upstream])
	tool
]

exceeds if {
	some argument, most in tool.most
	amount := given[argument]
	not within(amount, most)
}

exceeds if {
	some argument, values in tool.one_of
	not chosen(argument, values)
}

exceeds if unseen

# Whatever is no object says nothing that anybody looks at.
unseen if {
	input.call.arguments != null
	not is_object(input.call.arguments)
}

exceeds if {
	some argument, _ in tool.most
	not present(argument)
}

# It is counted, and said how large the change is and of which kind: an exception may be about it.
default readable := false

readable if {
	count(limits) > 0
	not unseen
	not unsaid
}

unseen if {
	some argument, _ in given
	not looked_at(argument)
}

unsaid if {
	some argument, _ in tool.most
	not sized(argument)
}

unsaid if {
	some argument, _ in tool.one_of
	not argument in object.keys(given)
}

sized(argument) if {
	present(argument)
	given[argument] - 0 >= 0
}

given := input.call.arguments if {
	is_object(input.call.arguments)
} else := {}

chosen(argument, values) if given[argument] in values

present(argument) if is_number(given[argument])

looked_at(argument) if argument in object.get(tool, "others", [])

looked_at(argument) if argument in object.keys(object.get(tool, "most", {}))

looked_at(argument) if argument in object.keys(object.get(tool, "one_of", {}))

# `amount - 0` is a number in whichever way it is read.
within(amount, most) if {
	is_number(amount)
	amount - 0 <= most
	amount - 0 >= 0
}

opens contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	limited(settings.tools[item.name])
}

shuts contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	named := settings.tools[item.name]
	not limited(named)
}

limited(named) if named.limit

limited(_) if settings.total
