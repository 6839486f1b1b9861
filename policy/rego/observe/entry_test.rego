package agentgate_test

import data.agentgate

test_everything_is_allowed if {
	decision := agentgate.decision with input as {"call": {"method": "tools/call", "name": "x"}}
		with data.agentgate.reasons as {"observed": "", "not_granted": ""}
	decision.effect == "allow"
	decision.shadow.effect == "deny"
}

test_nothing_is_hidden if agentgate.listing == {"hide": []}
