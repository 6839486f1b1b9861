package agentgate.templates.break_glass_test

import data.agentgate.templates.break_glass

settings := {"*": {"*": {
	"all": {"break-glass": {"tools": "all"}},
	"some": {"break-glass": {"tools": {"restart": {}}}},
}}}

said(upstream, name, excepting) := decision if {
	decision := break_glass.decision with data.settings as settings
		with data.agentgate.rules.excepting as excepting
		with input.caller as {"tenant": "t", "agent": "a"}
		with input.call as {"method": "tools/call", "upstream": upstream, "name": name}
}

test_while_an_exception_holds if {
	said("all", "any", ["e1"]).obligations == {"durability": ["host"], "record": ["full"], "label": ["broke_glass"]}
	said("all", "any", ["e1", "e2"]).exception == "e1"
	said("some", "restart", ["e1"]).effect == "allow"
}

test_while_none_does if {
	not said("all", "any", [])
	not said("some", "restart", [])
}

test_what_is_not_named if {
	not said("some", "other", ["e1"])
	not said("elsewhere", "restart", ["e1"])
}

listed(names) := opens if {
	opens := break_glass.opens with data.settings as settings
		with data.agentgate.rules.exempt as names
		with input as {"caller": {"tenant": "t", "agent": "a"}, "call": {"method": "tools/list", "upstream": "some"}}
}

test_listed_meanwhile if {
	listed({"restart", "other"}) == {"restart"}
	listed(set()) == set()
}
