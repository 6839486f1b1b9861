package agentgate.templates.browser_test

import data.agentgate.templates.browser

settings := {"*": {"*": {
	"u": {"browser": {
		"hosts": {"docs.example.com": {}},
		"tools": {"open": {"url": "url"}, "click": {}, "type": {"types": true}},
	}},
	"lab": {"browser": {"hosts": {"localhost": {}}, "plain": true, "tools": {"open": {"url": "url"}}}},
}}}

said(upstream, name, arguments, labels) := decision if {
	decision := browser.decision with data.settings as settings
		with input.caller as {"tenant": "t", "agent": "a"}
		with input.session.labels as labels
		with input.call as {"method": "tools/call", "upstream": upstream, "name": name, "arguments": arguments}
}

test_open if {
	said("u", "open", {"url": "https://docs.example.com/a"}, []).obligations == {"label": ["saw_page"]}
	said("u", "click", {"ref": "e1"}, ["saw_secret"]).effect == "allow"
	said("lab", "open", {"url": "http://localhost:8000/"}, []).effect == "allow"
}

closed := [
	"http://docs.example.com/",
	"https://docs.example.com.evil.example/",
	"file:///etc/passwd",
	"javascript:alert(1)",
	"data:text/html,x",
	"about:blank",
	"view-source:https://docs.example.com/",
	"https://docs.example.com@evil.example/",
	1,
	null,
]

test_closed if {
	every url in closed {
		said("u", "open", {"url": url}, []).reason == "page_closed"
	}
	said("u", "open", {}, []).reason == "page_closed"
}

test_a_page_in_another_argument if {
	said("u", "open", {"url": "https://docs.example.com/a", "URI": "x"}, []).exceptable == false
	said("u", "click", {"url": "https://evil.example/"}, []).reason == "page_closed"
}

test_typing if {
	said("u", "type", {"text": "x"}, []).effect == "allow"
	said("u", "type", {"text": "x"}, ["saw_secret"]).reason == "typing_after_secret"
}

test_scripts if not said("u", "evaluate", {"function": "x"}, [])

test_what_lets_itself_be_excepted if {
	said("u", "open", {"url": "https://other.example/"}, []).exceptable == true
	said("lab", "open", {"url": "http://other.example/"}, []).exceptable == true
	every url in ["http://other.example/", "https://a@b.example/", "file:///etc/passwd", "https://b.example\\@c", 1, null] {
		said("u", "open", {"url": url}, []).exceptable == false
	}
	said("u", "open", {}, []).exceptable == false
	not said("u", "type", {"text": "x"}, ["saw_secret"]).exceptable
}
