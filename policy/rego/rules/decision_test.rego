package agentgate.rules_test

import data.agentgate.rules

reasons := {reason: reason |
	some reason in [
		"granted", "approval_required", "read_only_trusted", "upstream_trusted", "follows_grant", "observed",
		"denied_by_operator", "definition_changed", "argument_refused", "method_unknown", "not_granted",
	]
}

entry(id, arguments, closed) := {"id": id, "arguments": arguments, "closed": closed}

plain(id) := {"allow": [{"id": id}]}

grants := {"t": {
	"*": {},
	"a": {"u": {
		"tools/call": {
			"echo": plain("g-echo"),
			"read": {"allow": [entry("g-read", {"path": {"under": ["/srv"]}}, false)]},
			"pay": {
				"allow": [entry("g-pay", {"amount": {"max": 100, "min": 0}}, false)],
				"require_approval": [entry("g-ask", {"amount": {"max": 1000, "min": 0}}, false)],
			},
			"query": {"allow": [entry("g-sql", {"sql": {"sql": ["SELECT", "select"]}}, true)]},
			"pick": {"allow": [entry("g-pick", {"colour": {"one_of": ["red", 1]}, "note": {"prefix": ["n-"], "optional": true}}, true)]},
			"*": {"allow": [{"id": "g-fs", "prefix": "fs_"}], "deny": [{"id": "g-no", "prefix": "fs_delete"}]},
		},
		"resources/read": {"*": {"allow": [{"id": "g-files", "prefix": "file:///srv/"}]}},
		"prompts/get": {"hello": plain("g-prompt")},
		"elicitation/create": {"*": plain("g-elicit")},
	}},
}}

caller := {"tenant": "t", "agent": "a"}

call(method, name, arguments) := {
	"direction": "client",
	"upstream": "u",
	"method": method,
	"name": name,
	"params": {"name": name, "arguments": arguments},
	"arguments": arguments,
	"definition": null,
}

said(asked) := decision if {
	decision := rules.decision with input as {"caller": caller, "call": asked}
		with data.agentgate.grants as grants
		with data.agentgate.reasons as reasons
		with data.agentgate.trusted_upstreams as {"trusted": true}
}

verdicts := {
	"a granted tool": ["granted", call("tools/call", "echo", {})],
	"a tool of another name": ["not_granted", call("tools/call", "ech", {})],
	"a tool under a granted prefix": ["granted", call("tools/call", "fs_list", {})],
	"a denied tool under a granted prefix": ["denied_by_operator", call("tools/call", "fs_delete_all", {})],
	"a path under the root": ["granted", call("tools/call", "read", {"path": "/srv/x"})],
	"the root itself": ["granted", call("tools/call", "read", {"path": "/srv"})],
	"a path beside the root": ["argument_refused", call("tools/call", "read", {"path": "/srvx"})],
	"a path that climbs": ["argument_refused", call("tools/call", "read", {"path": "/srv/../etc/passwd"})],
	"a path that climbs at its end": ["argument_refused", call("tools/call", "read", {"path": "/srv/x/.."})],
	"a path that climbs encoded": ["argument_refused", call("tools/call", "read", {"path": "/srv/%2e%2E/x"})],
	"a path with a backslash": ["argument_refused", call("tools/call", "read", {"path": "/srv\\..\\x"})],
	"a path that is a number": ["argument_refused", call("tools/call", "read", {"path": 1})],
	"no path": ["argument_refused", call("tools/call", "read", {})],
	"no arguments": ["argument_refused", call("tools/call", "read", null)],
	"an amount at the limit": ["granted", call("tools/call", "pay", {"amount": 100})],
	"an amount above it": ["approval_required", call("tools/call", "pay", {"amount": 100.01})],
	"an amount above all": ["argument_refused", call("tools/call", "pay", {"amount": 1000.5})],
	"a negative amount": ["argument_refused", call("tools/call", "pay", {"amount": -1})],
	"an amount as a text": ["argument_refused", call("tools/call", "pay", {"amount": "1"})],
	"a query": ["granted", call("tools/call", "query", {"sql": "select 1"})],
	"two statements": ["argument_refused", call("tools/call", "query", {"sql": "select 1; drop table x"})],
	"a comment": ["argument_refused", call("tools/call", "query", {"sql": "select 1 -- x"})],
	"another verb": ["argument_refused", call("tools/call", "query", {"sql": "delete from x"})],
	"an argument that a closed grant does not name": ["argument_refused", call("tools/call", "query", {"sql": "select 1", "x": 1})],
	"one of the values": ["granted", call("tools/call", "pick", {"colour": "red"})],
	"one of the values as a number": ["granted", call("tools/call", "pick", {"colour": 1.0})],
	"none of the values": ["argument_refused", call("tools/call", "pick", {"colour": "blue"})],
	"an optional argument": ["granted", call("tools/call", "pick", {"colour": "red", "note": "n-1"})],
	"a wrong optional argument": ["argument_refused", call("tools/call", "pick", {"colour": "red", "note": "x"})],
	"a resource under a prefix": ["granted", call("resources/read", "file:///srv/a", null)],
	"a resource that climbs": ["not_granted", call("resources/read", "file:///srv/../a", null)],
	"a subscription to it": ["granted", call("resources/subscribe", "file:///srv/a", null)],
	"a prompt": ["granted", call("prompts/get", "hello", null)],
	"a question of the server": ["granted", call("elicitation/create", null, null)],
	"another question of the server": ["not_granted", call("sampling/createMessage", null, null)],
	"the client's roots": ["not_granted", call("roots/list", null, null)],
	"a task of the caller's": ["follows_grant", call("tasks/get", "1", null)],
	"answers to questions that may be asked": ["follows_grant", call("tasks/update", "1", null)],
	"an unknown method": ["method_unknown", call("tools/destroy", "echo", null)],
}

test_verdicts if {
	every row in verdicts {
		said(row[1]).reason == row[0]
	}
}

test_rules_name_the_grant if said(call("tools/call", "echo", {})).rules == ["g-echo"]

test_a_decision_is_whole if {
	said(call("tools/call", "echo", {})) == {
		"effect": "allow",
		"reason": "granted",
		"message": "granted",
		"rules": ["g-echo"],
		"obligations": {},
	}
}

trusted_call(definition) := object.union(call("tools/call", "x", {}), {"upstream": "trusted", "definition": definition})

definition(read_only, pinned) := {"digest": "d", "pinned": pinned, "annotations": {"readOnlyHint": read_only}}

test_reading_at_a_trusted_upstream if said(trusted_call(definition(true, "same"))).reason == "read_only_trusted"

test_writing_at_a_trusted_upstream if said(trusted_call(definition(false, "same"))).reason == "not_granted"

test_a_changed_tool_at_a_trusted_upstream if {
	said(trusted_call(definition(true, "changed"))).reason == "definition_changed"
}

test_a_new_tool_at_a_trusted_upstream if said(trusted_call(definition(true, "new"))).reason == "not_granted"

test_reading_elsewhere if {
	said(object.union(call("tools/call", "x", {}), {"definition": definition(true, "same")})).reason == "not_granted"
}

test_a_stranger if {
	decision := rules.decision with input as {"caller": {"tenant": "s", "agent": "a"}, "call": call("tools/call", "echo", {})}
		with data.agentgate.grants as grants
		with data.agentgate.reasons as reasons
	decision.reason == "not_granted"
}

listened(uris) := said(object.union(call("subscriptions/listen", null, null), {"params": {"notifications": {
	"toolsListChanged": true,
	"resourceSubscriptions": uris,
}}}))

test_listening if listened(["file:///srv/a"]).reason == "follows_grant"

test_listening_beyond if listened(["file:///srv/a", "file:///etc/a"]).reason == "not_granted"
