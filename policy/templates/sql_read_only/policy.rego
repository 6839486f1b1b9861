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
	not orders(text)
	not beyond
}

commands(text) if {
	regex.match(
		concat("", [
			word, `(create|alter|drop|truncate|grant|revoke|copy|call|exec(ute)?|load|attach|detach|pragma|prepare|handler|`,
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
	not orders(text)
}

# A second statement, a comment, or an escape that spells a word in another way.
hides(text) if regex.match(`;\s*\S|--|/\*|#|\\|\x00|(?i)\bu&|\buescape\b`, text)

# Where a word begins: some servers also read one that stands right behind a number.
word := `(?i)\b([0-9]+(e[0-9]*)?|0x[0-9a-f]*)?`

writes(text) if {
	regex.match(
		concat("", [
			word, `(insert|update|delete|merge|upsert|truncate|create|alter|drop|grant|revoke|into|copy|call|exec(ute)?|do|`,
			`set|reset|lock|vacuum|reindex|attach|detach|pragma|begin|commit|rollback|load|handler|prepare|notify|listen)\b`,
		]),
		text,
	)
}

# Statements that some servers run without a semicolon before them.
orders(text) if {
	regex.match(
		concat("", [
			word, `(shutdown|kill|backup|restore|dbcc|waitfor|reconfigure|checkpoint|readtext|writetext|updatetext|deny|`,
			`use|while|declare|raiserror|bulk|receive|revert|install|export|import)\b`,
		]),
		text,
	)
}

writes(text) if regex.match(`(?i)\bfor\s+(no\s+key\s+|key\s+)?share\b`, text)

# Functions that reach files, other servers, other connections, or the state of this one, and those that run what a text
# says. Of those that begin with pg_ the ones that only tell something are known, and the others are many.
leaves(text) if {
	regex.match(
		concat("", [
			`(?i)\b(pg_(read|ls|stat_file|sleep|terminate|cancel|reload|rotate|advisory|logical|switch|promote)\w*|lo_\w+|`,
			`loread|lowrite|dblink\w*|nextval|setval|set_config|(query|table|schema|database|cursor)_to_xml\w*|ts_stat|`,
			`ts_rewrite|crosstab\w*|connectby|xpath_table|http_\w+|aws_(s3|lambda|commons)|load_(file|extension)|sleep|`,
			`benchmark|get_lock|release_lock|release_all_locks|\w+_pos_wait|sys_(exec|eval|get|set)|readfile|writefile|fsdir|`,
			`lsdir|read_(text|blob|csv|json|parquet|ndjson)\w*|\w+_scan|xp_\w+|sp_\w+|openrowset|opendatasource|openquery|`,
			`external_query|utl_\w+|dbms_\w+|httpuritype|dburitype|xdburitype|bfilename|system\$\w+)\b`,
		]),
		text,
	)
}

leaves(text) if {
	some found in regex.find_n(`(?i)\bpg_\w+["\]]?\s*\(`, text, -1)
	not tells(found)
}

leaves(text) if {
	regex.match(`(?i)\b(glob|url|file|files?cluster|s3\w*|gcs|hdfs|remote\w*|executable|mysql|postgresql|odbc|jdbc)\s*\(`, text)
}

# A text where a table stands is a file for some.
leaves(text) if regex.match(`(?i)\b(from|join)\s*\(?\s*'`, text)

tells(function) if {
	regex.match(
		concat("", [
			`(?i)^pg_(get_\w+|size_pretty|size_bytes|(table|relation|total_relation|indexes|database|column|tablespace)_size|typeof|`,
			`is_in_recovery|is_other_temp_schema|has_role|my_temp_schema|\w+_is_visible|encoding_to_char|char_to_encoding|`,
			`describe_object|postmaster_start_time|conf_load_time|backend_pid|blocking_pids|relation_filenode|options_to_table)\W`,
		]),
		function,
	)
}

opens contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	settings.tools[item.name]
}

shuts := set()
