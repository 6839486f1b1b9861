# A listed thing is shown when some call of it could be allowed or sent for approval, and hidden otherwise.
# Grants have no unsatisfiable conditions (`policy/grants.py` refuses them), so that a grant is enough.
#
# Lists have thousands of items: what does not depend on the item is asked once, and each item calls few functions.
package agentgate.rules

hide := [] if {
	input.call.method == "tasks/list"
	familiar
} else := [item.name | some item in input.items; not shown(item); not template_open(item.name)] if {
	input.call.method == "resources/templates/list"
} else := [item.name | some item in input.items; not shown(item)]

shown(item) if {
	those := named(item)
	openable(those, item)
	not denied(those, item)
}

# The method by which what is listed is called.
listed := data.agentgate.methods.listed[input.call.method]

# What is granted or denied about what is listed, by name.
by_name := at_upstream[listed]

named(item) := found if {
	found := by_name[item.name]
} else := found if {
	found := by_name["*"]
} else := {}

openable(those, item) if {
	some entry in those.allow
	reaches(entry, item.name)
	not altered(item)
}

openable(those, item) if {
	some entry in those.require_approval
	reaches(entry, item.name)
	not altered(item)
}

openable(_, item) if {
	reading_tools
	read_only(item.definition.annotations.readOnlyHint, item.definition.pinned)
}

openable(_, _) if reading_things

reading_tools if {
	trusted
	listed == "tools/call"
}

reading_things if {
	trusted
	data.agentgate.methods.reading[listed]
}

denied(those, item) if {
	some entry in those.deny
	reaches(entry, item.name)
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
