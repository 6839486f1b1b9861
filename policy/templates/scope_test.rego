package agentgate.templates.scope_test

import data.agentgate.templates.scope

settings := {
	"*": {"*": {"*": {"x": {"is": "anybody"}, "y": {"is": "y"}}, "u": {"x": {"is": "at u"}}}},
	"t": {"a": {"u": {"x": {"is": "a at u"}}, "*": {"x": {"is": "a anywhere"}}}},
}

found(tenant, agent, upstream, template) := setting.is if {
	caller := {"tenant": tenant, "agent": agent}
	setting := scope.of(template) with input as {"caller": caller, "call": {"upstream": upstream}}
		with data.settings as settings
}

test_the_most_specific_counts if {
	found("t", "a", "u", "x") == "a at u"
	found("t", "a", "v", "x") == "a anywhere"
	found("t", "b", "u", "x") == "at u"
	found("t", "b", "v", "x") == "anybody"
	found("t", "a", "u", "y") == "y"
}

test_what_is_not_set if not found("t", "a", "u", "z")
