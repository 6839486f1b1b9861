package agentgate.templates.pins_test

import data.agentgate.templates.pins

test_what_was_reviewed if {
	every pinned in {"same", "new", "unpinned"} {
		not pins.decision with input as {"call": {"definition": {"pinned": pinned}}}
	}
}

test_what_was_not if {
	every pinned in {"changed", "renamed", "duplicate"} {
		pins.decision.effect == "deny" with input as {"call": {"definition": {"pinned": pinned}}}
		pins.shuts == {"x"} with input as {"items": [
			{"name": "x", "definition": {"pinned": pinned}},
			{"name": "y", "definition": {"pinned": "same"}},
		]}
	}
}
