# One SQL statement that only reads, in one argument of each named tool. A guard rail before a database role that may not
# write: what a function of the database does, nobody sees from the text of a query.
package agentgate.templates.sql_read_only

import data.agentgate.templates.places
import data.agentgate.templates.scope

settings := scope.of("sql-read-only")

tool := settings.tools[input.call.name] if input.call.method == "tools/call"

decision := {"effect": "allow", "reason": "sql_reads", "obligations": {}} if {
	reads(input.call.arguments[tool.argument])
	not beyond
} else := {"effect": "deny", "reason": "sql_refused", "obligations": {}, "exceptable": modifies} if tool

# The call carries an argument that the settings do not name.
beyond if {
	some argument, _ in input.call.arguments
	argument != tool.argument
	not argument in object.get(tool, "others", [])
}

# One statement that changes rows, and does nothing that reaches further: an exception may be about it.
default modifies := false

modifies if {
	statement := input.call.arguments[tool.argument]
	is_string(statement)
	count(statement) <= 20000
	text := places.plain(statement)
	regex.match(`(?i)^\s*(insert|update|delete|merge)\b`, text)
	not hides(text)
	not leaves(text)
	not commands(text)
	not beyond
}

commands(text) if {
	regex.match(
		concat("", [
			`(?i)\b(create|alter|drop|truncate|grant|revoke|copy|call|exec(ute)?|load|attach|detach|pragma|prepare|handler|`,
			`outfile|dumpfile)\b`,
		]),
		text,
	)
}

reads(statement) if {
	is_string(statement)
	count(statement) <= 20000
	text := places.plain(statement)
	regex.match(`(?i)^\s*(select|with|explain|show|describe|values)\b`, text)
	not hides(text)
	not writes(text)
	not leaves(text)
}

# A second statement, a comment, or an escape that spells a word in another way.
hides(text) if regex.match(`;\s*\S|--|/\*|#|\\|\x00|(?i)\bu&`, text)

writes(text) if {
	regex.match(
		concat("", [
			`(?i)\b(insert|update|delete|merge|upsert|truncate|create|alter|drop|grant|revoke|into|copy|call|exec(ute)?|do|`,
			`set|reset|lock|vacuum|reindex|attach|detach|pragma|begin|commit|rollback|load|handler|prepare|notify|listen)\b`,
		]),
		text,
	)
}

writes(text) if regex.match(`(?i)\bfor\s+(no\s+key\s+|key\s+)?share\b`, text)

# Functions that reach files, other servers, other connections, or the state of this one.
leaves(text) if {
	regex.match(
		concat("", [
			`(?i)\b(pg_(read|ls|stat_file|sleep|terminate|cancel|reload|rotate|advisory|logical|switch|promote)\w*|lo_\w+|`,
			`dblink\w*|nextval|setval|set_config|(query|table|database|cursor)_to_xml\w*|load_(file|extension)|sleep|`,
			`benchmark|readfile|writefile|xp_\w+|sp_\w+|openrowset|opendatasource|openquery|utl_\w+|dbms_\w+)\b`,
		]),
		text,
	)
}

opens contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	settings.tools[item.name]
}

shuts := set()
