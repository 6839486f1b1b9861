package agentgate.templates.filesystem_jail_test

import data.agentgate.templates.filesystem_jail

settings := {"*": {"*": {"u": {"filesystem-jail": {
	"roots": ["/srv/share", "/data/"],
	"tools": {
		"read": {"paths": ["path"], "others": ["head"]},
		"move": {"paths": ["from", "to"]},
		"read_all": {"paths": [], "lists": ["paths"]},
		"nothing": {"paths": []},
	},
}}}}}

said(name, arguments) := decision.reason if {
	decision := filesystem_jail.decision with data.settings as settings
		with input.caller as {"tenant": "t", "agent": "a"}
		with input.call as {"method": "tools/call", "upstream": "u", "name": name, "arguments": arguments}
}

test_inside if {
	said("read", {"path": "/srv/share/a"}) == "in_jail"
	said("read", {"path": "/data/a", "head": 3}) == "in_jail"
	said("move", {"from": "/srv/share/a", "to": "/data/b"}) == "in_jail"
	said("read_all", {"paths": ["/srv/share/a", "/srv/share"]}) == "in_jail"
}

outside := [
	["read", {"path": "/etc/passwd"}],
	["read", {"path": "/srv/shared"}],
	["read", {"path": "/srv/share/../x"}],
	["read", {"path": "work/a"}],
	["read", {"path": 1}],
	["read", {"path": "/srv/share/a", "file": "/etc/passwd"}],
	["read", ["/srv/share/a"]],
	["read", {"path": null}],
	["read", {}],
	["read", null],
	["move", {"from": "/srv/share/a", "to": "/tmp/b"}],
	["move", {"from": "/srv/share/a"}],
	["read_all", {"paths": ["/srv/share/a", "/etc/hosts"]}],
	["read_all", {"paths": "/srv/share/a"}],
	["read_all", {"paths": {"x": "/srv/share/a"}}],
	["read_all", {"paths": []}],
	["read_all", {}],
	["nothing", {"path": "/etc/passwd"}],
]

test_outside if {
	every asked in outside {
		said(asked[0], asked[1]) == "outside_jail"
	}
}

test_secrets if {
	said("read", {"path": "/srv/share/.env"}) == "secret_path"
	said("move", {"from": "/srv/share/a", "to": "/srv/share/.ssh/config"}) == "secret_path"
	said("read_all", {"paths": ["/srv/share/a", "/srv/share/tls.key"]}) == "secret_path"
}

test_other_tools if not said("write", {"path": "/srv/share/a"})

excepted(name, arguments) := decision.exceptable if {
	decision := filesystem_jail.decision with data.settings as settings
		with input.caller as {"tenant": "t", "agent": "a"}
		with input.call as {"method": "tools/call", "upstream": "u", "name": name, "arguments": arguments}
}

test_what_lets_itself_be_excepted if {
	excepted("read", {"path": "/etc/passwd"}) == true
	excepted("move", {"from": "/srv/share/a", "to": "/tmp/b"}) == true
	excepted("read_all", {"paths": ["/srv/share/a", "/etc/hosts"]}) == true
	every path in ["/srv/share/../x", "/etc/%2e%2e/x", "work/a", 1, null] {
		excepted("read", {"path": path}) == false
	}
	every arguments in [{}, {"paths": []}, {"paths": "/etc/hosts"}] {
		excepted("read_all", arguments) == false
	}
	excepted("read", {"path": "/etc/passwd", "file": "/etc/passwd"}) == false
	not excepted("read", {"path": "/etc/shadow"})
}
