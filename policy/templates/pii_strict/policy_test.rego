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

test_what_names_nothing_is_not_listed if {
	listed := [{"name": name} | some name in ["find", "get", "misspelt", "empty", "nothing", "other"]]
	asked := {
		"caller": {"tenant": "t", "agent": "a"},
		"call": {"method": "tools/list", "upstream": "u"},
		"items": listed,
	}
	pii_strict.opens == {"find", "get"} with data.settings as settings with input as asked
	pii_strict.shuts == {"misspelt", "empty", "nothing"} with data.settings as settings with input as asked
}
