package agentgate.templates.code_hosts_test

import data.agentgate.templates.code_hosts

settings := {"*": {"*": {"u": {"code-hosts": {
	"repositories": {"acme/site": {"branches": ["agents/"]}},
	"tools": {
		"get": {"repository": ["owner", "repo"], "paths": ["path"]},
		"push": {"repository": ["owner", "repo"], "branch": "branch", "files": ["files"], "others": ["message"]},
		"run": {"repository": ["slug"], "branch": "branch", "others": ["options", "force"]},
	},
}}}}}

said(name, arguments) := decision.reason if {
	decision := code_hosts.decision with data.settings as settings
		with input.caller as {"tenant": "t", "agent": "a"}
		with input.call as {"method": "tools/call", "upstream": "u", "name": name, "arguments": arguments}
}

site(more) := object.union({"owner": "acme", "repo": "site"}, more)

push(branch, files) := site({"branch": branch, "files": files, "message": "m"})

slug(more) := object.union({"slug": "acme/site", "branch": "agents/a"}, more)

test_open if {
	said("get", site({"path": "src/a.py"})) == "repository_open"
	said("push", push("agents/a", [{"path": "src/a.py", "content": "x"}])) == "repository_open"
	said("push", push("agents/a", ["src/a.py", "b"])) == "repository_open"
	said("run", slug({"options": ["--verbose", "-vq", "- x", "a:b"], "force": false})) == "repository_open"
}

test_closed if {
	said("get", {"owner": "acme", "repo": "other", "path": "a"}) == "repository_closed"
	said("get", {"owner": "acme/site", "path": "a"}) == "repository_closed"
	said("get", {"path": "a"}) == "repository_closed"
	said("get", site({"path": "a", "ref": "main"})) == "repository_closed"
	said("push", push("main", [{"path": "a"}])) == "repository_closed"
	said("push", push("agents/../main", [{"path": "a"}])) == "repository_closed"
	said("push", push("agents/a:main", [{"path": "a"}])) == "repository_closed"
	said("push", site({"files": [{"path": "a"}]})) == "repository_closed"
}

test_rewriting if {
	said("run", slug({"force": true})) == "history_rewritten"
	said("run", slug({"force": "false"})) == "history_rewritten"
	said("run", slug({"options": ["--verbose", "--force-with-lease"]})) == "history_rewritten"
	every option in ["-f", "-uf", "--forc", "--del", "+main", ":main", "--no-verify"] {
		said("run", slug({"options": option})) == "history_rewritten"
	}
	said("run", slug({"branch": "+agents/a"})) == "history_rewritten"
}

test_guarded if {
	every path in [
		".github/workflows/x.yml", ".github", "./.github/x", "a/.env", "/etc/x", "a/../.env", "CODEOWNERS", "k.pem", "", ".",
		"a/", "a//b", "a/./b", null, 1,
	] {
		said("get", site({"path": path})) == "guarded_path"
		said("push", push("agents/a", [{"path": "a"}, {"path": path}])) == "guarded_path"
	}
	said("get", site({})) == "guarded_path"
	every path in [".", ".github", ":/", ":(top).github", "*", "[.]github/x", "?github/x", ["a"]] {
		said("push", push("agents/a", ["a", path])) == "guarded_path"
	}
	said("push", site({"branch": "agents/a"})) == "guarded_path"
}

excepted(name, arguments) := [decision.reason, decision.exceptable] if {
	decision := code_hosts.decision with data.settings as settings
		with input.caller as {"tenant": "t", "agent": "a"}
		with input.call as {"method": "tools/call", "upstream": "u", "name": name, "arguments": arguments}
}

test_what_lets_itself_be_excepted if {
	excepted("run", slug({"force": true})) == ["history_rewritten", true]
	excepted("run", slug({"force": true, "branch": "main"})) == ["history_rewritten", true]
	excepted("push", push("main", ["a"])) == ["repository_closed", true]
	excepted("get", {"owner": "acme", "repo": "other", "path": "a"}) == ["repository_closed", true]
}

test_what_does_not if {
	every more in [
		{"force": true, "options": ["--exec=x"]},
		{"force": true, "branch": "+main"},
		{"force": true, "branch": "a..b"},
		{"force": true, "mirror": true},
		{"force": true, "other": 1},
		{"options": "--force"},
	] {
		excepted("run", slug(more)) == ["history_rewritten", false]
	}
	excepted("push", object.union(push("agents/a", [".github/x"]), {"force": true})) == ["history_rewritten", false]
	excepted("push", push("a:b", ["a"])) == ["repository_closed", false]
	excepted("get", {"owner": "acme/site", "repo": "x", "path": "a"}) == ["repository_closed", false]
	excepted("get", {"owner": "", "repo": "x", "path": "a"}) == ["repository_closed", false]
	excepted("get", {"path": "a"}) == ["repository_closed", false]
	excepted("get", site({"path": "a", "ref": "main"})) == ["repository_closed", false]
	not excepted("get", site({"path": ".env"}))
}
