package agentgate_test

import data.agentgate

caller := {"tenant": "t", "agent": "a"}

call(method) := {"direction": "client", "upstream": "u", "method": method, "name": null, "definition": null}

test_the_rules_decide if {
	decision := agentgate.decision with input as {"caller": caller, "call": call("tools/call")}
		with data.agentgate.grants as {}
	decision.reason == "not_granted"
}

test_the_rules_hide if {
	listing := agentgate.listing with input as {"caller": caller, "call": call("tools/list"), "items": [{"name": "x"}]}
		with data.agentgate.grants as {}
	listing == {"hide": ["x"]}
}
