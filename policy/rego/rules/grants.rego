# Grants as indexed data: data.agentgate.grants[tenant][agent][upstream][method][name] is a list of entries
# {id, effect, prefix, arguments, closed}. "*" stands for any tenant, agent, upstream or name; an entry under
# the name "*" with a prefix is about the names that begin with it. `policy/grants.py` writes and checks the index.
package agentgate.rules

# The entries about this call, whatever their effect. Each lookup goes to its leaf in one step: the embedded engine
# copies what a variable holds, and a branch of the index can be large.
found := {entry |
	some tenant in [input.caller.tenant, "*"]
	some agent in [input.caller.agent, "*"]
	some upstream in [input.call.upstream, "*"]
	some key in [target.name, "*"]
	some entry in data.agentgate.grants[tenant][agent][upstream][target.method][key]
	reaches(entry.prefix, target.name)
}

# Some call with this method and name can be allowed or sent for approval, or is denied by an entry.
granted(method, name) if has(method, name, ["allow", "require_approval"])

allowed(method, name) if has(method, name, ["allow"])

forbidden(method, name) if has(method, name, ["deny"])

has(method, name, effects) if {
	some tenant in [input.caller.tenant, "*"]
	some agent in [input.caller.agent, "*"]
	some upstream in [input.call.upstream, "*"]
	some key in [name, "*"]
	some entry in data.agentgate.grants[tenant][agent][upstream][method][key]
	entry.effect in effects
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
	some tenant in [input.caller.tenant, "*"]
	some agent in [input.caller.agent, "*"]
	some upstream in [input.call.upstream, "*"]
	some method
	some entry in data.agentgate.grants[tenant][agent][upstream][method][_]
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
