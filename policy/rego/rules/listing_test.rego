package agentgate.rules_test

import data.agentgate.rules

hidden(method, items) := hide if {
	asked := {"direction": "client", "upstream": "u", "method": method, "name": null}
	hide := rules.hide with input as {"caller": caller, "call": asked, "items": items}
		with data.agentgate.grants as grants
		with data.agentgate.trusted_upstreams as {"trusted": true}
}

named(names) := [{"name": name, "definition": {}} | some name in names]

test_tools if {
	hidden("tools/list", named(["echo", "ech", "fs_list", "fs_delete", "pay"])) == ["ech", "fs_delete"]
}

test_a_changed_tool if hidden("tools/list", [{"name": "echo", "definition": definition(false, "changed")}]) == ["echo"]

test_one_changed_twin_hides_the_name if {
	names := hidden("tools/list", [
		{"name": "echo", "definition": definition(false, "same")},
		{"name": "echo", "definition": definition(false, "renamed")},
		{"name": "fs_x", "definition": definition(false, "new")},
	])
	{name | some name in names} == {"echo"}
}

test_no_prefix_reaches_a_step_upwards if {
	names := ["fs_a", "fs_/../b", "fs_delete/../a", "fs_a%2fb", "fs_..."]
	hidden("tools/list", named(names)) == ["fs_/../b", "fs_delete/../a", "fs_a%2fb"]
}

test_names_are_looked_at_apart if hidden("tools/list", named(["fs_.", "./fs", ".", "echo"])) == ["./fs", "."]

test_the_name_of_all_is_a_name_as_well if hidden("tools/list", named(["*"])) == ["*"]

test_sent_for_approval if hidden("tools/list", named(["pay"])) == []

trusting(method, items) := hide if {
	asked := {"direction": "client", "upstream": "trusted", "method": method, "name": null}
	denials := {"file": {"deny": [{"id": "no"}]}, "*": {"deny": [{"id": "no-prefix", "prefix": "secret_"}]}}
	hide := rules.hide with input as {"caller": caller, "call": asked, "items": items}
		with data.agentgate.grants as {"t": {"a": {"trusted": {
			"tools/call": object.union(denials, {"open": plain("g-open")}),
			"resources/read": denials,
		}}}}
		with data.agentgate.trusted_upstreams as {"trusted": true}
}

test_tools_of_a_trusted_upstream if {
	hidden_there := trusting("tools/list", [
		{"name": "reads", "definition": definition(true, "same")},
		{"name": "writes", "definition": definition(false, "same")},
		{"name": "says nothing", "definition": {"digest": "d", "pinned": "same", "annotations": {}}},
		{"name": "says more than true", "definition": definition("true", "same")},
		{"name": "is new", "definition": definition(true, "new")},
		{"name": "has changed", "definition": definition(true, "changed")},
		{"name": "open", "definition": definition(false, "new")},
		{"name": "file", "definition": definition(true, "same")},
		{"name": "secret_reads", "definition": definition(true, "same")},
		{"name": "twin", "definition": definition(true, "same")},
		{"name": "twin", "definition": definition(false, "same")},
	])
	{name | some name in hidden_there} == {
		"writes", "says nothing", "says more than true", "is new", "has changed", "file", "secret_reads", "twin",
	}
}

test_resources_of_a_trusted_upstream if {
	hidden_there := trusting("resources/list", named(["a", "file", "secret_a", "secret_/../a"]))
	hidden_there == ["file", "secret_a"]
}

test_resources if hidden("resources/list", named(["file:///srv/a", "file:///etc/a"])) == ["file:///etc/a"]

test_templates if {
	names := ["file:///srv/{x}", "file:///{path}", "file:///etc/{x}"]
	hidden("resources/templates/list", named(names)) == ["file:///etc/{x}"]
}

test_prompts if hidden("prompts/list", named(["hello", "bye"])) == ["bye"]

test_tasks if hidden("tasks/list", named(["1"])) == []

test_an_unknown_list if hidden("things/list", named(["1"])) == ["1"]
