# Grants as indexed data: data.agentgate.grants[tenant][agent][upstream][method][name][effect] is a list of entries
# {id}, with {prefix} if it is about the names that begin with it, and {arguments, closed} if it has conditions. "*"
# stands for whatever has no key of its own, and what holds for any tenant, agent, upstream or name stands under each
# key too, so that one way leads to all that is about a call. `policy/grants.py` writes and checks the index.
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

# What is granted or denied about {method, name}, by effect; entries with a prefix still have to reach the name. Both
# come in one object, since the embedded engine looks at every member where an argument itself is the key.
entries(asked) := found if {
	found := at_upstream[asked.method][asked.name]
} else := found if {
	found := at_upstream[asked.method]["*"]
} else := {}

# Every call about the name is denied by an entry.
forbidden(those, name) if reached(those.deny, name)

reached(those, name) if {
	some entry in those
	reaches(entry, name)
}

# The caller may do something at this upstream.
familiar if at_upstream[_][_].allow

familiar if at_upstream[_][_].require_approval

trusted if data.agentgate.trusted_upstreams[input.call.upstream]

familiar if trusted
