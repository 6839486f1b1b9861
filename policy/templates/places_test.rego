package agentgate.templates.places_test

import data.agentgate.templates.places

hosts := {
	"https://a.example/x": "a.example",
	"http://A.Example": "a.example",
	"https://a.example:8443?q": "a.example",
	"https://a.example#f": "a.example",
}

test_hosts if {
	every url, host in hosts {
		places.host(url) == host
	}
}

nowhere := {
	"https://a.example@b.example/",
	`https://a.example\@b.example/`,
	"https://a.example /",
	"https://[::1]/",
	"ftp://a.example/",
	"//a.example/",
	"https:a.example",
	"https://a.exämple/",
	"javascript:alert(1)",
	"https://a.example\n.b.example/",
	"https://a.example:port/",
	"https://.a.example/",
	"https://a..example/",
	"https://-a.example/",
	"",
}

test_urls_without_a_host if {
	every url in nowhere {
		not places.host(url)
	}
}

test_listed if {
	allowed := {"a.example": {}, "*.b.example": {}}
	places.listed(allowed, "a.example")
	places.listed(allowed, "x.b.example")
	not places.listed(allowed, "b.example")
	not places.listed(allowed, "x.a.example")
	not places.listed(allowed, "x.y.b.example")
	not places.listed(allowed, "localhost")
}

test_a_list_is_no_key if {
	members := {"a": {"b": {}}}
	places.has(members, "a")
	every key in [[], ["a"], ["a", "b"], null, 1] {
		not places.has(members, key)
	}
}

test_domains if {
	places.domain("Ada@Example.com") == "example.com"
	not places.domain("a@b@example.com")
	not places.domain("Ada <a@example.com>")
	not places.domain("a@example.com, b@evil.example")
	not places.domain("a@example.com\n")
	not places.domain("a%evil.example@example.com")
	not places.domain("-a@example.com")
}

test_inside if {
	places.inside("/srv/a", "/srv")
	places.inside("/srv/a", "/srv/")
	places.inside("/srv", "/srv")
	places.inside("/etc", "/")
	not places.inside("/srvx", "/srv")
	not places.inside("/srv/../etc", "/srv")
	not places.inside("/srv/%2e%2e/etc", "/srv")
	not places.inside("/srv/a\u0000", "/srv")
	not places.inside("srv/a", "/srv")
	not places.inside("/srv/..\uff0fetc", "/srv")
	not places.inside("/srv/.e\u200cnv", "/srv")
	not places.inside("/srv/%252e%252e/etc", "/srv")
}

test_secret if {
	every path in {"/a/.env ", "/a/.env::$DATA", "id_ecdsa_sk", "x.pem.bak", "/proc/self/environ", "shadow-", "secrets/a"} {
		places.secret(path)
	}
	every path in {"/a/.env", ".env.local", "/h/.ssh/config", "/h/id_rsa", "x.PEM", "/etc/shadow", "a/secrets.yaml"} {
		places.secret(path)
	}
	every path in {"/a/environment", "/h/ssh/config", "/a/keys.txt", "/a/secretary.txt", "/a/.gitignore"} {
		not places.secret(path)
	}
}
