# A listed thing is shown when some call of it could be allowed or sent for approval, and hidden otherwise.
# Grants have no unsatisfiable conditions (`policy/grants.py` refuses them), so that a grant is enough.
package agentgate.rules

hide := [item.name | some item in input.items; not shown(item)]

shown(item) if {
	method := called[input.call.method]
	not forbidden(method, item.name)
	openable(method, item)
}

shown(item) if {
	input.call.method == "resources/templates/list"
	template_open(item.name)
}

shown(_) if {
	input.call.method == "tasks/list"
	familiar
}

called := {
	"tools/list": "tools/call",
	"resources/list": "resources/read",
	"prompts/list": "prompts/get",
}

openable(method, item) if {
	granted(method, item.name)
	not changed(item.definition)
}

openable("tools/call", item) if read_only(item.definition)

openable(method, _) if {
	trusted
	reading[method]
}

template_open(_) if trusted

template_open(template) if {
	some tenant in [input.caller.tenant, "*"]
	some agent in [input.caller.agent, "*"]
	some upstream in [input.call.upstream, "*"]
	some name, granted_there in data.agentgate.grants[tenant][agent][upstream]["resources/read"]
	some entry in granted_there
	entry.effect != "deny"
	template_reaches(split(template, "{")[0], name, entry.prefix)
}

template_reaches(_, "*", "")

template_reaches(stem, _, prefix) if {
	prefix != ""
	startswith(stem, prefix)
}

template_reaches(stem, _, prefix) if {
	prefix != ""
	startswith(prefix, stem)
}

template_reaches(stem, name, "") if {
	name != "*"
	startswith(name, stem)
}
