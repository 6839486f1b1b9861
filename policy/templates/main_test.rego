package agentgate_test

import data.agentgate

says(effect, reason, obligations) := {"effect": effect, "reason": reason, "obligations": obligations}

decided(opinions) := decision if {
	decision := agentgate.decision with data.agentgate.templates.chosen.said as opinions
		with data.agentgate.templates.chosen.names as ["a", "b", "c"]
		with data.reasons as {"no_template": "", "x": "X"}
}

test_nothing_said_is_a_deny if decided({}).effect == "deny"

test_a_deny_wins if {
	decision := decided({
		0: says("allow", "x", {"label": ["l"]}),
		1: says("require_approval", "y", {}),
		2: says("deny", "z", {}),
	})
	[decision.effect, decision.reason, decision.rules, decision.obligations] == ["deny", "z", ["c"], {}]
}

test_an_approval_wins_over_an_allowance if {
	decision := decided({
		0: says("allow", "x", {"label": ["l"]}),
		1: says("require_approval", "y", {"approval": {"expires": 5}}),
		2: says("require_approval", "z", {"approval": {"expires": 6}}),
	})
	[decision.effect, decision.reason, decision.rules] == ["require_approval", "y", ["b", "c"]]
	decision.obligations == {"label": ["l"], "approval": {"expires": 5}}
}

test_obligations_add_up if {
	decision := decided({
		0: says("allow", "x", {"label": ["l"], "record": ["digest"]}),
		2: says("allow", "y", {"label": ["m"]}),
	})
	[decision.reason, decision.message, decision.rules] == ["x", "X", ["a", "c"]]
	decision.obligations == {"label": ["l", "m"], "record": ["digest"]}
}

test_what_is_no_effect_counts_for_nothing if decided({0: says("permit", "x", {})}).effect == "deny"

test_listed if {
	listing := agentgate.listing with input as {"items": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}
		with data.agentgate.templates.chosen.opens as {"a", "b"}
		with data.agentgate.templates.chosen.shuts as {"b"}
	listing == {"hide": ["b", "c"]}
}
