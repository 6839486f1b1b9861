# Grants as indexed data: data.agentgate.grants[tenant][agent][upstream][method][name] is a list of entries
# {id, effect, prefix, arguments, closed}. "*" stands for any tenant, agent, upstream or name; an entry under
# the name "*" with a prefix is about the names that begin with it. `policy/grants.py` writes and checks the index.
package agentgate.rules

# What is granted in each scope that covers this caller and upstream.
scopes := [scope |
	some tenant in {input.caller.tenant, "*"}
	some agent in {input.caller.agent, "*"}
	some upstream in {input.call.upstream, "*"}
	scope := data.agentgate.grants[tenant][agent][upstream]
]

# The entries about one method and name, whatever their effect. `object.get`, since the embedded engine loses an
# argument of a function that is a key inside a comprehension.
entries(method, name) := {entry |
	some scope in scopes
	some key in {name, "*"}
	some entry in object.get(scope, [method, key], [])
	reaches(entry.prefix, name)
}

reaches("", _)

reaches(prefix, name) if {
	prefix != ""
	is_string(name)
	startswith(name, prefix)
	not climbs(name)
}

# The caller may do something at this upstream.
familiar if {
	some scope in scopes
	some named in scope
	some granted in named
	some entry in granted
	entry.effect != "deny"
}

trusted if data.agentgate.trusted_upstreams[input.call.upstream]

familiar if trusted

# The entry's conditions on the arguments of this call.
met(entry) if {
	every argument, rule in entry.arguments {
		argument_met(rule, argument)
	}
	not exceeds(entry)
}

# The call carries an argument that a closed entry does not name.
exceeds(entry) if {
	entry.closed
	some argument, _ in input.call.arguments
	not entry.arguments[argument]
}

argument_met(rule, argument) if {
	value := input.call.arguments[argument]
	every kind, limit in rule {
		holds(kind, limit, value)
	}
}

argument_met(rule, argument) if {
	rule.optional
	not argument_given(argument)
}

argument_given(argument) if {
	some given, _ in input.call.arguments
	given == argument
}
