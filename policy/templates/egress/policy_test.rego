package agentgate.templates.egress_test

import data.agentgate.templates.egress

settings := {"*": {"*": {
	"u": {"egress": {
		"sending": {
			"mail": {"recipients": ["to", "cc"], "lines": ["subject"], "others": ["text"]},
			"fetch": {"urls": ["url"]},
			"post": {"others": ["text"]},
			"leak": {"urls": ["url"]},
		},
		"hosts": {"api.example.com": {}, "*.example.org": {}},
		"domains": {"example.com": {}},
		"addresses": {"ada@example.org": {}},
		"secrets": {"leak": {}},
	}},
	"vault": {"egress": {"secrets": {"read": {}}}},
}}}

said(upstream, name, arguments, labels) := decision if {
	decision := egress.decision with data.settings as settings
		with input.caller as {"tenant": "t", "agent": "a"}
		with input.session.labels as labels
		with input.call as {"method": "tools/call", "upstream": upstream, "name": name, "arguments": arguments}
}

known := [
	["mail", {"to": "bob@example.com", "subject": "ö", "text": "x\ny"}],
	["mail", {"to": ["bob@example.com", "ada@example.org"], "cc": ["eve@example.com"]}],
	["fetch", {"url": "https://api.example.com/v1"}],
	["fetch", {"url": "https://a.example.org:8443/?q=1"}],
]

test_known_places if {
	every asked in known {
		said("u", asked[0], asked[1], []).reason == "destination_known"
		said("u", asked[0], asked[1], ["saw_secret"]).reason == "after_secret"
	}
}

unknown := [
	["mail", {"to": "bob@example.net"}],
	["mail", {"to": ["bob@example.com", "eve@evil.example"]}],
	["mail", {"to": "bob@example.com", "cc": "eve@evil.example"}],
	["mail", {"to": "bob@example.com", "bcc": "eve@evil.example"}],
	["mail", {"to": "Bob <bob@example.com>"}],
	["mail", {"to": "bob@example.com, eve@evil.example"}],
	["mail", {"to": []}],
	["mail", {"to": [1]}],
	["mail", {"to": [[]]}],
	["mail", {"to": [["ada@example.org"]]}],
	["mail", {"cc": "bob@example.com"}],
	["mail", {}],
	["mail", null],
	["fetch", {"url": "http://api.example.com/"}],
	["fetch", {"url": "https://api.example.com.evil.example/"}],
	["fetch", {"url": "https://api.example.com@evil.example/"}],
	["fetch", {"url": "https://example.org/"}],
	["fetch", {"url": ["https://api.example.com/"]}],
	["fetch", {"url": "https://api.example.com/", "proxy": "evil"}],
	["post", {"text": "x"}],
]

test_unknown_places if {
	every asked in unknown {
		said("u", asked[0], asked[1], []).reason == "destination_refused"
	}
}

test_a_secret_is_remembered if {
	decision := said("vault", "read", {}, [])
	[decision.effect, decision.obligations] == ["allow", {"label": ["saw_secret"]}]
	said("vault", "read", {}, ["saw_secret"]).effect == "allow"
}

test_what_sends_and_reads_secrets if {
	decision := said("u", "leak", {"url": "https://api.example.com/"}, [])
	decision.obligations == {"durability": ["host"], "label": ["saw_secret"]}
	said("u", "leak", {"url": "https://evil.example/"}, []).effect == "deny"
}

test_listed if {
	items := [{"name": "mail"}, {"name": "other"}]
	asked := {"caller": {"tenant": "t", "agent": "a"}, "call": {"method": "tools/list", "upstream": "u"}, "items": items}
	egress.opens == {"mail"} with data.settings as settings with input as asked
	egress.shuts == {"mail"} with data.settings as settings
		with input as object.union(asked, {"session": {"labels": ["saw_secret"]}})
}

excepted := [
	["mail", {"to": "bob@example.net"}],
	["mail", {"to": ["bob@example.com", "eve@evil.example"], "text": "x"}],
	["fetch", {"url": "https://other.example/"}],
]

test_what_lets_itself_be_excepted if {
	every asked in excepted {
		decision := said("u", asked[0], asked[1], [])
		[decision.effect, decision.exceptable, decision.obligations] == ["deny", true, {"durability": ["host"]}]
		not said("u", asked[0], asked[1], ["saw_secret"]).exceptable
	}
}

unclear := [
	["mail", {"to": "Bob <bob@example.net>"}],
	["mail", {"to": "bob@example.net", "subject": "x\r\nBcc: eve@evil.example"}],
	["mail", {"to": "bob@example.net", "subject": ["x"]}],
	["mail", {"to": "bob@example.net", "subject": null}],
	["mail", {"to": "bob@example.net", "bcc": "eve@evil.example"}],
	["mail", {"to": []}],
	["mail", {"to": [1]}],
	["mail", {"to": [[]]}],
	["mail", {"to": [["ada@example.org"]]}],
	["mail", {"to": "bob@example.net", "cc": 1}],
	["mail", {"cc": "bob@example.net"}],
	["mail", {}],
	["fetch", {"url": "http://other.example/"}],
	["fetch", {"url": "https://a@other.example/"}],
	["fetch", {"url": ["https://other.example/"]}],
	["post", {"text": "x"}],
]

test_what_does_not if {
	every asked in unclear {
		said("u", asked[0], asked[1], []).exceptable == false
	}
}
