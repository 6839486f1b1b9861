package agentgate.rules_test

import data.agentgate.rules

decided(asked, given) := decision.reason if {
	decision := rules.decision with input as {"caller": caller, "call": asked}
		with data.agentgate.grants as given
		with data.agentgate.trusted_upstreams as {"trusted": true}
}

at(tenant, agent, upstream) := {tenant: {agent: {upstream: {"tools/call": {"echo": plain("g")}}}}}

test_whoever_has_no_key_has_that_of_all if {
	every given in [at("t", "a", "u"), at("*", "a", "u"), at("t", "*", "u"), at("t", "a", "*"), at("*", "*", "*")] {
		decided(call("tools/call", "echo", {}), given) == "granted"
	}
}

test_a_key_of_ones_own_stands_before_that_of_all if {
	every given in [at("s", "a", "u"), at("t", "b", "u"), at("t", "a", "v")] {
		decided(call("tools/call", "echo", {}), given) == "not_granted"
	}
}

with_resources(found) := {"t": {"a": {"u": {"resources/read": found}}}}

listening(uri) := object.union(call("subscriptions/listen", null, null), {"params": {"notifications": {
	"resourceSubscriptions": [uri],
}}})

test_listening_to_a_resource_with_a_key_of_its_own if {
	decided(listening("file:///a"), with_resources({"file:///a": plain("g")})) == "follows_grant"
}

test_listening_to_a_denied_resource if {
	given := with_resources({"*": plain("g"), "file:///a": {"allow": [{"id": "g"}], "deny": [{"id": "no"}]}})
	decided(listening("file:///a"), given) == "not_granted"
	decided(listening("file:///b"), given) == "follows_grant"
}

test_who_may_ask_for_approval_has_tasks_of_its_own if {
	given := {"t": {"a": {"u": {"tools/call": {"pay": {"require_approval": [{"id": "g"}]}}}}}}
	decided(call("tasks/get", "1", null), given) == "follows_grant"
}

there(asked) := object.union(asked, {"upstream": "trusted"})

test_tasks_of_a_trusted_upstream if decided(there(call("tasks/get", "1", null)), {}) == "follows_grant"

test_reading_from_a_trusted_upstream if decided(there(call("prompts/get", "x", null)), {}) == "upstream_trusted"

test_a_doubled_tool_of_a_trusted_upstream if {
	decided(trusted_call(definition(true, "duplicate")), {}) == "definition_changed"
}

completing(kind, name) := object.union(call("completion/complete", name, null), {"params": {"ref": {"type": kind}}})

test_what_is_completed_is_granted if {
	given := {"t": {"a": {"u": {"prompts/get": {"hello": plain("p")}, "resources/read": {"file:///a": plain("r")}}}}}
	decided(completing("ref/prompt", "hello"), given) == "granted"
	decided(completing("ref/resource", "file:///a"), given) == "granted"
	decided(completing("ref/resource", "hello"), given) == "not_granted"
}

hidden_templates(found, upstream) := hide if {
	asked := {"upstream": upstream, "method": "resources/templates/list", "name": null}
	items := named(["file:///srv/{x}", "file:///etc/{x}"])
	hide := rules.hide with input as {"caller": caller, "call": asked, "items": items}
		with data.agentgate.grants as with_resources(found)
		with data.agentgate.trusted_upstreams as {"trusted": true}
}

test_templates_of_a_trusted_upstream if hidden_templates({}, "trusted") == []

test_templates_where_every_resource_is_granted if hidden_templates({"*": plain("g")}, "u") == []

test_templates_that_lead_to_a_granted_resource if {
	hidden_templates({"file:///srv/a": plain("g")}, "u") == ["file:///etc/{x}"]
}

test_an_approval_that_was_given_counts_where_one_is_asked_for if {
	given := {"t": {"a": {"u": {"tools/call": {"pay": {"require_approval": [{"id": "g-ask"}]}}}}}}
	asked := {"caller": caller, "call": call("tools/call", "pay", {}), "approval": {"id": "x"}}
	decision := rules.decision with input as asked with data.agentgate.grants as given
	decision.reason == "approved"
	other := object.union(asked, {"call": call("tools/call", "buy", {})})
	rules.decision.reason == "not_granted" with input as other with data.agentgate.grants as given
}
