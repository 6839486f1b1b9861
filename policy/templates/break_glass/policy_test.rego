package agentgate.templates.break_glass_test

import data.agentgate.templates.break_glass

settings := {"*": {"*": {
	"all": {"break-glass": {"from": 1000, "until": 4600, "tools": "all"}},
	"some": {"break-glass": {"from": 1000, "until": 4600, "tools": {"restart": {}}}},
	"long": {"break-glass": {"from": 1000, "until": 90000, "tools": "all"}},
	"endless": {"break-glass": {"from": 1000, "tools": "all"}},
	"text": {"break-glass": {"from": "1000", "until": "4600", "tools": "all"}},
}}}

said(upstream, name, seconds) := decision if {
	decision := break_glass.decision with data.settings as settings
		with input.caller as {"tenant": "t", "agent": "a"}
		with input.time.unix_ns as seconds * 1000000000
		with input.call as {"method": "tools/call", "upstream": upstream, "name": name}
}

test_in_its_time if {
	said("all", "any", 1000).obligations == {"durability": ["host"], "record": ["full"], "label": ["broke_glass"]}
	said("some", "restart", 4599).effect == "allow"
}

test_out_of_it if {
	not said("all", "any", 999)
	not said("all", "any", 4600)
	not said("some", "other", 2000)
}

test_no_end_or_a_late_one if {
	not said("long", "any", 2000)
	not said("endless", "any", 2000)
	not said("text", "any", 2000)
}

test_listed_in_its_time if {
	asked := {"caller": {"tenant": "t", "agent": "a"}, "call": {"method": "tools/list", "upstream": "some"}}
	items := [{"name": "restart"}, {"name": "other"}]
	break_glass.opens == {"restart"} with data.settings as settings
		with input as object.union(asked, {"items": items, "time": {"unix_ns": 1000000000000}})
	break_glass.opens == set() with data.settings as settings
		with input as object.union(asked, {"items": items, "time": {"unix_ns": 4600000000000}})
}
