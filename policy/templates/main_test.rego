package agentgate_test

import data.agentgate

says(effect, reason, obligations) := {"effect": effect, "reason": reason, "obligations": obligations}

decided(opinions) := decision if {
	decision := agentgate.decision with data.agentgate.templates.chosen.said as opinions
		with data.agentgate.templates.chosen.names as ["a", "b", "c"]
		with data.reasons as {"no_template": "", "x": "X"}
}

lifting(opinions) := decision if {
	decision := decided(opinions) with data.agentgate.rules.excepting as ["e1", "e2"]
}

exceptable(reason, obligations) := object.union(says("deny", reason, obligations), {"exceptable": true})

short(decision) := [decision.effect, decision.reason, decision.rules, object.get(decision, "exception", null)]

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

test_an_exception_lifts_what_lets_itself_be_excepted if {
	opinions := {0: says("allow", "x", {"label": ["l"]}), 1: exceptable("y", {"label": ["m"]})}
	short(decided(opinions)) == ["deny", "y", ["b"], null]
	short(lifting(opinions)) == ["allow", "excepted", ["a", "b"], "e1"]
	lifting(opinions).obligations == {"label": ["l", "m"]}
	short(lifting({1: exceptable("y", {})})) == ["allow", "excepted", ["b"], "e1"]
}

test_an_exception_lifts_nothing_else if {
	short(lifting({0: says("deny", "x", {})})) == ["deny", "x", ["a"], null]
	short(lifting({0: exceptable("x", {}), 1: says("deny", "y", {})})) == ["deny", "y", ["b"], null]
	short(lifting({0: object.union(says("deny", "x", {}), {"exceptable": "yes"})})) == ["deny", "x", ["a"], null]
	short(lifting({})) == ["deny", "no_template", [], null]
	short(lifting({0: says("allow", "x", {})})) == ["allow", "x", ["a"], null]
}

test_an_approval_stays_where_an_exception_lifts_a_denial if {
	opinions := {0: exceptable("x", {}), 1: says("require_approval", "y", {"approval": {"expires": 5}})}
	short(lifting(opinions)) == ["require_approval", "y", ["b"], "e1"]
}

test_a_template_that_goes_by_an_exception_names_it if {
	opinion := object.union(says("allow", "x", {}), {"exception": "e1"})
	short(lifting({0: opinion, 1: says("allow", "y", {})})) == ["allow", "x", ["a", "b"], "e1"]
	short(lifting({0: opinion, 1: says("deny", "y", {})})) == ["deny", "y", ["b"], null]
}

test_what_is_no_effect_counts_for_nothing if decided({0: says("permit", "x", {})}).effect == "deny"

test_listed if {
	listing := agentgate.listing with input as {"items": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}
		with data.agentgate.templates.chosen.opens as {"a", "b"}
		with data.agentgate.templates.chosen.shuts as {"b"}
	listing == {"hide": ["b", "c"]}
}
