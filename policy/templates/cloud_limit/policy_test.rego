package agentgate.templates.cloud_limit_test

import data.agentgate.templates.cloud_limit

settings := {"*": {"*": {
	"u": {"cloud-limit": {
		"total": {"count": 10, "window": 86400},
		"tools": {
			"scale": {
				"most": {"instances": 3},
				"one_of": {"region": ["eu"]},
				"others": ["group"],
				"limit": {"count": 2, "window": 3600},
			},
			"restart": {"others": ["group"]},
		},
	}},
	"unlimited": {"cloud-limit": {"tools": {"restart": {"others": []}}}},
}}}

said(upstream, name, arguments) := decision if {
	decision := cloud_limit.decision with data.settings as settings
		with input.caller as {"tenant": "t", "agent": "a"}
		with input.call as {"method": "tools/call", "upstream": upstream, "name": name, "arguments": arguments}
}

test_within if {
	said("u", "scale", {"instances": 3, "region": "eu", "group": "g"}).obligations == {
		"limit": [
			{"key": "cloud-limit/a/u/scale", "count": 2, "window": 3600},
			{"key": "cloud-limit/a/u", "count": 10, "window": 86400},
		],
		"durability": ["host"],
	}
	said("u", "restart", {}).obligations.limit == [{"key": "cloud-limit/a/u", "count": 10, "window": 86400}]
}

large := [
	{"instances": 4, "region": "eu"},
	{"instances": -1, "region": "eu"},
	{"instances": "3", "region": "eu"},
	{"region": "eu"},
	{"instances": 3, "region": "us"},
	{"instances": 3},
	{"instances": 3, "region": "eu", "spot": true},
	null,
]

test_too_large if {
	every arguments in large {
		said("u", "scale", arguments).effect == "deny"
	}
}

test_what_is_no_object if {
	every arguments in [["all"], "all", 1, false] {
		said("u", "restart", arguments).effect == "deny"
	}
}

test_nothing_is_unlimited if said("unlimited", "restart", {}).effect == "deny"

asked(upstream) := {
	"caller": {"tenant": "t", "agent": "a"},
	"call": {"method": "tools/list", "upstream": upstream},
	"items": [{"name": name} | some name in ["scale", "restart", "other"]],
}

test_what_is_unlimited_is_not_listed if {
	cloud_limit.opens == {"scale", "restart"} with data.settings as settings with input as asked("u")
	cloud_limit.shuts == set() with data.settings as settings with input as asked("u")
	cloud_limit.opens == set() with data.settings as settings with input as asked("unlimited")
	cloud_limit.shuts == {"restart"} with data.settings as settings with input as asked("unlimited")
}

test_what_lets_itself_be_excepted if {
	every arguments in [{"instances": 4, "region": "eu"}, {"instances": 3, "region": "us", "group": "g"}] {
		decision := said("u", "scale", arguments)
		[decision.effect, decision.exceptable] == ["deny", true]
		count(decision.obligations.limit) == 2
	}
	every arguments in [
		{"instances": -1, "region": "us"},
		{"instances": "4", "region": "eu"},
		{"instances": 4},
		{"region": "us"},
		{"instances": 4, "region": "eu", "spot": true},
		null,
	] {
		said("u", "scale", arguments).exceptable == false
	}
	said("unlimited", "restart", {}).exceptable == false
}
