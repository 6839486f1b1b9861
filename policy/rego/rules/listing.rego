# A listed thing is shown when some call of it could be allowed or sent for approval, and hidden otherwise.
# Grants have no unsatisfiable conditions (`policy/grants.py` refuses them), so that a grant is enough.
#
# Lists have thousands of items, and to call a function costs more than all else about an item: each rule looks once
# at all of them, and binds the sets that it looks things up in before it begins with the first.
package agentgate.rules

hide := [] if {
	input.call.method == "tasks/list"
	familiar
} else := [name |
	seen := shown
	name := input.items[_].name
	not seen[name]
	not template_open(name)
] if {
	input.call.method == "resources/templates/list"
} else := [name |
	seen := shown
	name := input.items[_].name
	not seen[name]
]

# Names of which every item is shown.
shown := open_at_all if {
	count(closed) == 0
} else := {name |
	open := open_at_all
	shut := closed
	name := input.items[_].name
	open[name]
	not shut[name]
}

# Most callers have no exception: sets of a thousand names are then not made anew.
open_at_all := openable if {
	count(exempt) == 0
} else := openable | exempt

openable := {name | name := input.items[_].name} if {
	reading_things
} else := granted | read_only_names if {
	reading_tools
} else := granted

closed := denied_still if {
	reading_things
} else := denied_still | altered

denied_still := denied if {
	count(exempt) == 0
} else := denied - lifted

# Names of which every denial lets itself be excepted, and an exception holds.
lifted := {name | some name in exempt; not shut_firmly(name)}

shut_firmly(name) if {
	some entry in entries({"method": listed, "name": name}).deny
	not entry.exceptable
	reaches(entry, name)
}

# What is granted or denied about what is listed, by name.
by_name := at_upstream[listed]

# What is said about names that have a key of their own there. What is said about all names stands under each key too.
own := {name: those |
	all := by_name
	name := input.items[_].name
	those := all[name]
}

# The names without one, and what is said about them.
others := [name | name := input.items[_].name] if {
	count(own) == 0
} else := [name |
	apart := own
	name := input.items[_].name
	not apart[name]
]

common := by_name["*"]

granted := ({name |
	those := own[name]
	some effect in ["allow", "require_approval"]
	some entry in those[effect]
	reaches(entry, name)
} | {name |
	some effect in ["allow", "require_approval"]
	some entry in common[effect]
	not entry.prefix
	some name in others
}) | {name |
	beyond := climbing
	some effect in ["allow", "require_approval"]
	some entry in common[effect]
	prefix := entry.prefix
	some name in others
	startswith(name, prefix)
	not beyond[name]
}

denied := ({name |
	those := own[name]
	some entry in those.deny
	reaches(entry, name)
} | {name |
	some entry in common.deny
	not entry.prefix
	some name in others
}) | {name |
	beyond := climbing
	some entry in common.deny
	prefix := entry.prefix
	some name in others
	startswith(name, prefix)
	not beyond[name]
}

# Names that no prefix reaches. Most lists have none, as one look at all of them together tells.
climbing := set() if {
	all := concat("\n", others)
	not unusual(all)
} else := {name | some name in others; climbs(name)}

# Names with an item that is not what was pinned.
altered := set() if {
	count(altered_pins) == 0
} else := {item.name |
	bad := altered_pins
	some item in input.items
	bad[item.definition.pinned]
}

altered_pins := {pin | some pin in pins; changed(pin)}

pins := {pin | pin := input.items[_].definition.pinned}

# Names of which every item is a tool that only reads.
read_only_names := {name |
	apart := writing_names
	name := input.items[_].name
	not apart[name]
}

writing_names := {item.name | some item in input.items; not only_reads(item)}

only_reads(item) if read_only(item.definition.annotations.readOnlyHint, item.definition.pinned)

reading_tools if {
	trusted
	listed == "tools/call"
}

reading_things if {
	trusted
	data.agentgate.methods.reading[listed]
}

template_open(_) if trusted

template_open(template) if {
	some name, effects in at_upstream["resources/read"]
	some effect in ["allow", "require_approval"]
	some entry in effects[effect]
	template_reaches(split(template, "{")[0], name, entry)
}

template_open(template) if {
	some name, found in exceptions_at_upstream["resources/read"]
	some entry in found.excepted
	holds_now(entry)
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
