package agentgate.rules_test

import data.agentgate.rules

second := 1000000000

exempt(id) := {"id": id, "from": 100, "until": 200}

exempted := {
	"t": {
		"a": {
			"u": {"tools/call": {
				"drop": {"excepted": [exempt("x-drop")]},
				"fs_wipe": {"excepted": [exempt("x-wipe")]},
				"pay": {"excepted": [object.union(exempt("x-pay"), {"arguments": {"amount": {"max": 5000}}})]},
				"hard": {"excepted": [exempt("x-hard")]},
				"*": {"excepted": [object.union(exempt("x-temp"), {"prefix": "temp_"})]},
			}},
			"*": {},
		},
		"*": {"*": {"tools/call": {"drop": {"excepted": [exempt("x-any")]}}}},
	},
	"*": {"*": {"u": {"tools/call": {"drop": {"excepted": [exempt("x-all")]}}}}},
}

lifting := {"t": {"a": {"u": {"tools/call": {
	"fs_wipe": {"deny": [{"id": "g-wipe", "exceptable": true}]},
	"hard": {"deny": [{"id": "g-hard"}, {"id": "g-soft", "exceptable": true}]},
	"pay": {"require_approval": [{"id": "g-pay", "exceptable": true}]},
	"drop": {"allow": [{"id": "g-small", "arguments": {"size": {"max": 1}}}]},
}}}}}

reads := {"digest": "sha256:0", "pinned": "same", "annotations": {}}

of(name, arguments) := {
	"direction": "client",
	"upstream": "u",
	"method": "tools/call",
	"name": name,
	"arguments": arguments,
	"definition": reads,
}

excepted(who, asked, at, granted) := decision if {
	decision := rules.decision with input as {"caller": who, "call": asked, "time": {"unix_ns": at * second}}
		with data.agentgate.grants as granted
		with data.agentgate.exceptions as exempted
		with data.agentgate.reasons as reasons
}

by(decision) := [decision.effect, decision.reason, object.get(decision, "exception", null)]

test_what_nobody_has_granted if {
	by(excepted(caller, of("drop", {}), 150, {})) == ["allow", "excepted", "x-drop"]
}

test_what_a_grant_refuses_by_its_arguments if {
	by(excepted(caller, of("drop", {"size": 9}), 150, lifting)) == ["allow", "excepted", "x-drop"]
	by(excepted(caller, of("drop", {"size": 1}), 150, lifting)) == ["allow", "granted", null]
}

test_a_denial_that_says_so if {
	by(excepted(caller, of("fs_wipe", {}), 150, lifting)) == ["allow", "excepted", "x-wipe"]
	by(excepted(caller, of("fs_wipe", {}), 200, lifting)) == ["deny", "denied_by_operator", null]
}

test_a_denial_that_does_not if by(excepted(caller, of("hard", {}), 150, lifting)) == ["deny", "denied_by_operator", null]

test_an_approval_that_says_so if {
	by(excepted(caller, of("pay", {"amount": 10}), 150, lifting)) == ["allow", "excepted", "x-pay"]
	by(excepted(caller, of("pay", {"amount": 5001}), 150, lifting)) == ["require_approval", "approval_required", null]
}

test_its_time if {
	every at in [0, 99, 200, 1000] {
		excepted(caller, of("drop", {}), at, {}).reason == "not_granted"
	}
	excepted(caller, of("drop", {}), 100, {}).reason == "excepted"
	excepted(caller, of("drop", {}), 199, {}).reason == "excepted"
}

test_a_changed_tool if {
	changed := object.union(of("drop", {}), {"definition": {"digest": "sha256:0", "pinned": "changed", "annotations": {}}})
	by(excepted(caller, changed, 150, {})) == ["deny", "definition_changed", null]
}

test_a_tool_that_nobody_knows if {
	by(excepted(caller, object.union(of("drop", {}), {"definition": null}), 150, {})) == ["deny", "not_granted", null]
}

test_a_method_that_no_exception_is_for if {
	decision := excepted(caller, object.union(of("drop", {}), {"method": "no/such"}), 150, {})
	by(decision) == ["deny", "method_unknown", null]
}

test_a_prefix if {
	excepted(caller, of("temp_file", {}), 150, {}).exception == "x-temp"
	excepted(caller, of("temp_/../x", {}), 150, {}).reason == "not_granted"
	excepted(caller, of("other", {}), 150, {}).reason == "not_granted"
}

test_whom_it_is_for if {
	excepted({"tenant": "t", "agent": "b"}, of("drop", {}), 150, {}).exception == "x-any"
	excepted({"tenant": "z", "agent": "b"}, of("drop", {}), 150, {}).exception == "x-all"
	elsewhere := object.union(of("drop", {}), {"upstream": "v"})
	excepted(caller, elsewhere, 150, {}).reason == "not_granted"
	excepted({"tenant": "z", "agent": "b"}, elsewhere, 150, {}).reason == "not_granted"
}

test_what_is_listed_meanwhile if {
	listed(150) == {"other", "hard"}
	listed(200) == {"drop", "fs_wipe", "hard", "other", "pay", "temp_file"} - {"pay", "drop"}
}

listed(at) := {name | some name in hidden} if {
	hidden := rules.hide with input as {
		"caller": caller,
		"call": {"direction": "client", "upstream": "u", "method": "tools/list", "name": null},
		"items": [{"name": name, "definition": reads} | some name in ["drop", "fs_wipe", "hard", "other", "pay", "temp_file"]],
		"time": {"unix_ns": at * second},
	}
		with data.agentgate.grants as lifting
		with data.agentgate.exceptions as exempted
}
