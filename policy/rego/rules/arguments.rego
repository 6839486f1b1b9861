# What an argument rule of a grant demands of a value. Only builtins that both engines evaluate alike stand here.
package agentgate.rules

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

# A step upwards, in any spelling that some reader resolves. Each needle stands in its own rule as a literal, since the
# embedded engine is exact for literals only.
climbs(path) if path == ".."

climbs(path) if startswith(path, "../")

climbs(path) if contains(path, "/../")

climbs(path) if endswith(path, "/..")

climbs(path) if contains(path, "\\")

climbs(path) if contains(path, "%2e")

climbs(path) if contains(path, "%2E")

climbs(path) if contains(path, "%2f")

climbs(path) if contains(path, "%2F")

climbs(path) if contains(path, "%5c")

climbs(path) if contains(path, "%5C")

climbs(path) if contains(path, "%00")
