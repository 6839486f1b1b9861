# Exceptions as indexed data: data.agentgate.exceptions[tenant][agent][upstream][method][name].excepted is a list of entries
# {id, from, until}, with {prefix} and {arguments, closed} as those of grants, and "*" as there. `policy/exceptions.py`
# writes the index. A decision that goes by an exception names it (`exception`), and the sidecar holds it to that.
package agentgate.rules

# What exceptions are for.
exceptable := {"tools/call", "resources/read", "resources/subscribe", "prompts/get"}

# The exceptions that hold now, for this very call.
excepting := [entry.id |
	exceptable[input.call.method]
	known
	some entry in about_exceptions
	holds_now(entry)
	reaches(entry, input.call.name)
	met(entry)
]

# What is called is there: of tools it is known what they claim to be.
known if input.call.method != "tools/call"

known if input.call.definition.digest

about_exceptions := found if {
	found := exceptions_at_upstream[input.call.method][input.call.name].excepted
} else := exceptions_at_upstream[input.call.method]["*"].excepted

exceptions_at_upstream := found if {
	found := exceptions_of_agent[input.call.upstream]
} else := exceptions_of_agent["*"]

exceptions_of_agent := found if {
	found := exceptions_of_tenant[input.caller.agent]
} else := exceptions_of_tenant["*"]

exceptions_of_tenant := found if {
	found := data.agentgate.exceptions[input.caller.tenant]
} else := data.agentgate.exceptions["*"]

# By the sidecar's clock: an exception ends when nobody can be reached, too.
holds_now(entry) if {
	entry.from * 1000000000 <= input.time.unix_ns
	input.time.unix_ns < entry.until * 1000000000
}

# The method by which what is listed is called.
listed := by_list[input.call.method]

by_list := {
	"tools/list": "tools/call",
	"resources/list": "resources/read",
	"prompts/list": "prompts/get",
}

# Names among the items of a list that an exception opens now, for some arguments.
exempt := {name |
	all := exceptions_at_upstream[listed]
	name := input.items[_].name
	some entry in all[name].excepted
	holds_now(entry)
	reaches(entry, name)
} | {name |
	all := exceptions_at_upstream[listed]
	some entry in all["*"].excepted
	holds_now(entry)
	name := input.items[_].name
	not all[name]
	reaches(entry, name)
}
