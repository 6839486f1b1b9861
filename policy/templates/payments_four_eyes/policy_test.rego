package agentgate.templates.payments_four_eyes_test

import data.agentgate.templates.payments_four_eyes

settings := {"*": {"*": {"u": {"payments-four-eyes": {
	"currencies": ["EUR"],
	"approvers": ["ada", "bob"],
	"steps": 2,
	"tools": {"refund": {"amount": "amount", "currency": "currency", "most": 1000, "others": ["order"]}},
}}}}}

said(name, arguments) := decision if {
	decision := payments_four_eyes.decision with data.settings as settings
		with input.caller as {"tenant": "t", "agent": "a"}
		with input.call as {"method": "tools/call", "upstream": "u", "name": name, "arguments": arguments}
}

test_approved_by_a_human if {
	decision := said("refund", {"amount": 1000, "currency": "EUR", "order": "o"})
	decision.effect == "require_approval"
	decision.obligations == {"approval": {"approvers": ["ada", "bob"], "steps": 2}}
}

refused := [
	{"amount": 1001, "currency": "EUR"},
	{"amount": 0, "currency": "EUR"},
	{"amount": -1, "currency": "EUR"},
	{"amount": "10", "currency": "EUR"},
	{"amount": [10], "currency": "EUR"},
	{"amount": 10, "currency": "USD"},
	{"amount": 10},
	{"currency": "EUR"},
	{"amount": 10, "currency": "EUR", "account": "x"},
	null,
]

test_refused if {
	every arguments in refused {
		said("refund", arguments).effect == "deny"
	}
}

test_other_tools if not said("balance", {})
