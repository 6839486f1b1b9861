package agentgate.rules_test

import data.agentgate.rules

steps := {
	"..", "../a", "/a/../b", "/a/..", "\\", "/a\\b", "/a/%2e", "/a/%2E", "/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb", "/a%00",
}

test_every_spelling_of_a_step_upwards if {
	every path in steps {
		rules.climbs(path)
	}
}

test_what_only_looks_like_one if {
	every path in {"", "/", "/a..b", "/...", "/a../b", "/a%20b", "/srv/a"} {
		not rules.climbs(path)
	}
}
