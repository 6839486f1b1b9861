# What an entry of an index (of grants, of exceptions) is about, and what its rules demand of arguments. Only builtins that
# both engines evaluate alike stand here.
package agentgate.rules

# An entry that stands under a name, or under "*", is about this name.
reaches(entry, name) if {
	not entry.prefix
} else if {
	is_string(name)
	startswith(name, entry.prefix)
	not climbs(name)
}

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

holds("optional", _, _)

holds("one_of", values, value) if value in values

# `value - 0` is a number in whichever way it is read, so that the comparison is never one of texts.
holds("max", limit, value) if {
	is_number(value)
	value - 0 <= limit
}

holds("min", limit, value) if {
	is_number(value)
	value - 0 >= limit
}

holds("prefix", prefixes, value) if {
	is_string(value)
	some prefix in prefixes
	startswith(value, prefix)
}

# An absolute path that stays under one of the roots, as spelled: nothing is resolved here.
holds("under", roots, value) if {
	is_string(value)
	not climbs(value)
	some root in roots
	inside(value, root)
}

# One SQL statement that begins with one of the verbs: no second statement, no comment that hides one.
holds("sql", verbs, value) if {
	is_string(value)
	not contains(value, ";")
	not contains(value, "--")
	not contains(value, "/*")
	some verb in verbs
	startswith(value, concat("", [verb, " "]))
}

inside(path, root) if path == root

inside(path, root) if startswith(path, concat("", [root, "/"]))

# A step upwards, in any spelling that some reader resolves.
climbs(path) if {
	unusual(path)
	steps_up(path)
}

# What every such spelling has; most paths have none of it, and need no closer look.
unusual(path) if contains(path, "..")

unusual(path) if contains(path, "\\")

unusual(path) if contains(path, "%")

# Each needle stands in its own rule as a literal, since the embedded engine is exact for literals only.
steps_up(path) if path == ".."

steps_up(path) if startswith(path, "../")

steps_up(path) if contains(path, "/../")

steps_up(path) if endswith(path, "/..")

steps_up(path) if contains(path, "\\")

steps_up(path) if contains(path, "%2e")

steps_up(path) if contains(path, "%2E")

steps_up(path) if contains(path, "%2f")

steps_up(path) if contains(path, "%2F")

steps_up(path) if contains(path, "%5c")

steps_up(path) if contains(path, "%5C")

steps_up(path) if contains(path, "%00")
