package agentgate.templates.pii_strict_test

import data.agentgate.templates.pii_strict

settings := {"*": {"*": {"u": {"pii-strict": {"tools": {
	"find": {"params": ["/arguments/ssn"], "result": ["/structuredContent/ssn"], "label": "saw_person"},
	"get": {"result": ["/content/0/text"]},
	"misspelt": {"result": ["/content/0/text"], "parms": ["/arguments/ssn"]},
	"empty": {"result": []},
	"nothing": {},
}}}}}}

said(name) := decision if {
	decision := pii_strict.decision with data.settings as settings
		with input.caller as {"tenant": "t", "agent": "a"}
		with input.call as {"method": "tools/call", "upstream": "u", "name": name}
}

test_everything_is_kept_back if {
	said("find").obligations == {
		"redact": [{"params": ["/arguments/ssn"], "result": ["/structuredContent/ssn"]}],
		"record": ["digest"],
		"label": ["saw_person"],
	}
}

test_without_a_label if {
	said("get").obligations == {"redact": [{"result": ["/content/0/text"]}], "record": ["digest"]}
}

test_what_names_nothing_is_denied if {
	every name in ["misspelt", "empty", "nothing"] {
		said(name).effect == "deny"
	}
}

test_other_tools if not said("other")
