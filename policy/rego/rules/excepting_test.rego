# Exceptions and rules for arguments by themselves: these modules are part of every policy made of templates, too.
package agentgate.excepting_test

import data.agentgate.rules

second := 1000000000

entry(id) := {"id": id, "from": 100, "until": 200}

ruled(id, arguments, closed) := object.union(entry(id), {"arguments": arguments, "closed": closed})

exceptions := {
	"t": {"a": {"u": {
		"tools/call": {
			"drop": {"excepted": [entry("drop")]},
			"pay": {"excepted": [ruled("pay", {"amount": {"max": 10, "min": 1}}, true)]},
			"read": {"excepted": [ruled("read", {"path": {"under": ["/srv"]}}, false)]},
			"query": {"excepted": [ruled("query", {"sql": {"sql": ["select"]}, "db": {"one_of": ["a"], "optional": true}}, true)]},
			"*": {"excepted": [object.union(entry("tmp"), {"prefix": "tmp_"})]},
		},
		"prompts/get": {"hello": {"excepted": [entry("hello")]}},
		"tasks/get": {"1": {"excepted": [entry("task")]}},
	}}},
	"*": {"*": {"*": {"tools/call": {"drop": {"excepted": [object.union(entry("any"), {"prefix": "dr"})]}}}}},
}

asked(tenant, method, name, arguments, at) := {
	"caller": {"tenant": tenant, "agent": "a"},
	"call": {
		"method": method,
		"upstream": "u",
		"name": name,
		"arguments": arguments,
		"definition": {"digest": "sha256:0"},
	},
	"time": {"unix_ns": at * second},
}

found(tenant, method, name, arguments, at) := ids if {
	ids := rules.excepting with data.agentgate.exceptions as exceptions
		with input as asked(tenant, method, name, arguments, at)
}

called(name, arguments) := found("t", "tools/call", name, arguments, 150)

test_in_its_time if {
	called("drop", {}) == ["drop"]
	found("t", "tools/call", "drop", {}, 100) == ["drop"]
	found("t", "tools/call", "drop", {}, 99) == []
	found("t", "tools/call", "drop", {}, 200) == []
}

test_of_anybody if {
	found("other", "tools/call", "drop", {}, 150) == ["any"]
	found("other", "tools/call", "pay", {}, 150) == []
}

test_what_exceptions_are_for if {
	found("t", "prompts/get", "hello", {}, 150) == ["hello"]
	found("t", "tasks/get", "1", {}, 150) == []
}

test_a_tool_that_nobody_lists if {
	unknown := {"op": "replace", "path": "call/definition", "value": null}
	rules.excepting == [] with data.agentgate.exceptions as exceptions
		with input as json.patch(asked("t", "tools/call", "drop", {}, 150), [unknown])
}

test_a_prefix if {
	called("tmp_x", {}) == ["tmp"]
	every name in {"tmp_/../x", "tmp_%2e%2e", "other", null} {
		called(name, {}) == []
	}
}

test_numbers if {
	called("pay", {"amount": 10}) == ["pay"]
	every arguments in [{"amount": 11}, {"amount": 0}, {"amount": "5"}, {}, {"amount": 5, "to": "x"}] {
		called("pay", arguments) == []
	}
}

test_paths if {
	called("read", {"path": "/srv/a"}) == ["read"]
	called("read", {"path": "/srv", "more": 1}) == ["read"]
	every path in ["/srvx", "/srv/../etc", "/etc", 1] {
		called("read", {"path": path}) == []
	}
}

test_statements_and_values if {
	called("query", {"sql": "select 1"}) == ["query"]
	called("query", {"sql": "select 1", "db": "a"}) == ["query"]
	every arguments in [{"sql": "drop x"}, {"sql": "select 1; drop x"}, {"sql": "select 1", "db": "b"}, {"db": "a"}] {
		called("query", arguments) == []
	}
}

test_texts_that_begin_so if {
	rules.holds("prefix", ["https://a.example/"], "https://a.example/x")
	not rules.holds("prefix", ["https://a.example/"], "https://b.example/x")
}

test_names_that_are_listed_meanwhile if {
	items := [{"name": name} | some name in ["drop", "tmp_x", "tmp_/../x", "other"]]
	listing := object.union(asked("t", "tools/list", null, null, 150), {"items": items})
	rules.exempt == {"drop", "tmp_x"} with input as listing with data.agentgate.exceptions as exceptions
	later := object.union(listing, {"time": {"unix_ns": 200 * second}})
	rules.exempt == set() with input as later with data.agentgate.exceptions as exceptions
}
