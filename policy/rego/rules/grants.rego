# Grants as indexed data: data.agentgate.grants[tenant][agent][upstream][method][name][effect] is a list of entries
# {id}, with {prefix} if it is about more than one name, and {arguments, closed} if it has conditions. "*" stands for whatever has no key of its own, and what holds for any tenant, agent,
# upstream or name stands under each key, so that one way leads to all that is about a call. An entry with a prefix is
# about the names that begin with it. `policy/grants.py` writes and checks the index.
package agentgate.rules

of_tenant := grants if {
	grants := data.agentgate.grants[input.caller.tenant]
} else := grants if {
	grants := data.agentgate.grants["*"]
} else := {}

of_agent := grants if {
	grants := of_tenant[input.caller.agent]
} else := grants if {
	grants := of_tenant["*"]
} else := {}

# What is granted to this caller at this upstream.
at_upstream := grants if {
	grants := of_agent[input.call.upstream]
} else := grants if {
	grants := of_agent["*"]
} else := {}

# The entries that may be about one name; those with a prefix still have to reach it. `object.get`, since the embedded
# engine looks at every member where an argument of a function is the key.
entries(asked, name) := found if {
	names := object.get(at_upstream, asked, {})
	found := object.get(names, name, object.get(names, "*", {}))
}

# Some call with this method and name can be allowed or sent for approval, or is denied by an entry.
granted(asked, name) if allowed(asked, name)

granted(asked, name) if reached(entries(asked, name).require_approval, name)

allowed(asked, name) if reached(entries(asked, name).allow, name)

forbidden(asked, name) if reached(entries(asked, name).deny, name)

reached(those, name) if {
	some entry in those
	reaches(entry, name)
}

reaches(entry, name) if {
	not entry.prefix
} else if {
	is_string(name)
	startswith(name, entry.prefix)
	not climbs(name)
}

# The caller may do something at this upstream.
familiar if at_upstream[_][_].allow

familiar if at_upstream[_][_].require_approval

trusted if data.agentgate.trusted_upstreams[input.call.upstream]

familiar if trusted

# The entry's conditions on the arguments of this call.
met(entry) if {
	not entry.arguments
} else if {
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
