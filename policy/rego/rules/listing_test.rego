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

test_resources if hidden("resources/list", named(["file:///srv/a", "file:///etc/a"])) == ["file:///etc/a"]

test_templates if {
	names := ["file:///srv/{x}", "file:///{path}", "file:///etc/{x}"]
	hidden("resources/templates/list", named(names)) == ["file:///etc/{x}"]
}

test_prompts if hidden("prompts/list", named(["hello", "bye"])) == ["bye"]

test_tasks if hidden("tasks/list", named(["1"])) == []

test_an_unknown_list if hidden("things/list", named(["1"])) == ["1"]
