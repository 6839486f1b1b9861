# A listed thing is shown when some call of it could be allowed or sent for approval, and hidden otherwise.
# Grants have no unsatisfiable conditions (`policy/grants.py` refuses them), so that a grant is enough.
package agentgate.rules

hide := [item.name | some item in input.items; not shown(item)]

shown(item) if {
	those := entries({"method": listed, "name": item.name})
	not forbidden(those, item.name)
	openable(those, item)
}

shown(item) if {
	input.call.method == "resources/templates/list"
	template_open(item.name)
}

shown(_) if {
	input.call.method == "tasks/list"
	familiar
}

# The method by which what is listed is called.
listed := data.agentgate.methods.listed[input.call.method]

openable(those, item) if {
	granted(those, item.name)
	not altered(item)
}

openable(_, item) if {
	listed == "tools/call"
	read_only(item.definition.annotations.readOnlyHint, item.definition.pinned)
}

openable(_, _) if {
	trusted
	data.agentgate.methods.reading[listed]
}

altered(item) if changed(item.definition.pinned)

template_open(_) if trusted

template_open(template) if {
	some name, effects in at_upstream["resources/read"]
	some effect in ["allow", "require_approval"]
	some entry in effects[effect]
	template_reaches(split(template, "{")[0], name, entry)
}

template_reaches(_, "*", entry) if not entry.prefix

template_reaches(stem, _, entry) if startswith(stem, entry.prefix)

template_reaches(stem, _, entry) if startswith(entry.prefix, stem)

template_reaches(stem, name, entry) if {
	not entry.prefix
	name != "*"
	startswith(name, stem)
}
