package agentgate.templates.sampling_off_test

import data.agentgate.templates.sampling_off

settings := {"*": {"*": {
	"u": {"sampling-off": {"questions": ["elicitation/create"]}},
	"bold": {"sampling-off": {"questions": ["sampling/createMessage"]}},
}}}

said(upstream, method) := decision.reason if {
	decision := sampling_off.decision with data.settings as settings
		with input.caller as {"tenant": "t", "agent": "a"}
		with input.call as {"direction": "server", "method": method, "upstream": upstream}
}

test_sampling_is_off_whatever_is_set if {
	every upstream in ["u", "bold", "unset"] {
		said(upstream, "sampling/createMessage") == "sampling_off"
	}
}

test_other_questions if {
	said("u", "elicitation/create") == "question_allowed"
	said("u", "roots/list") == "question_off"
	said("unset", "elicitation/create") == "question_off"
}

test_calls if not said("u", "tools/call")
