# Files below some roots, and no secrets among them. Paths count as spelled: what a link points to, the server has to know.
package agentgate.templates.filesystem_jail

import data.agentgate.templates.places
import data.agentgate.templates.scope

settings := scope.of("filesystem-jail")

tool := settings.tools[input.call.name] if input.call.method == "tools/call"

decision := {"effect": "deny", "reason": "secret_path", "obligations": {}} if {
	tool
	some path in paths
	is_string(path)
	places.secret(path)
} else := {"effect": "allow", "reason": "in_jail", "obligations": {}} if {
	tool
	count(paths) > 0
	not strays
} else := {"effect": "deny", "reason": "outside_jail", "obligations": {}, "exceptable": plain} if tool

# Every path of the call: arguments that are one, and elements of those that are lists of them.
paths := array.concat(single, several)

single := [path |
	some argument in tool.paths
	path := object.get(input.call.arguments, argument, null)
]

several := [path |
	some argument in object.get(tool, "lists", [])
	some path in object.get(input.call.arguments, argument, [null])
]

strays if {
	some path in paths
	not jailed(path)
}

strays if unlisted

strays if beyond

# An argument that nobody looks at: it may be another path.
beyond if {
	some argument, _ in input.call.arguments
	not argument in tool.paths
	not argument in object.get(tool, "lists", [])
	not argument in object.get(tool, "others", [])
}

# A list of paths that is none.
unlisted if {
	some argument in tool.lists
	not is_array(input.call.arguments[argument])
}

# Every path is given, absolute, and reads in one way only: an exception may be about it.
default plain := false

plain if {
	count(paths) > 0
	every path in paths {
		is_string(path)
		places.inside(path, "/")
	}
	not unlisted
	not beyond
}

jailed(path) if {
	is_string(path)
	some root in settings.roots
	places.inside(path, root)
}

opens contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	settings.tools[item.name]
}

shuts := set()
