# Paths and addresses as calls spell them; what cannot be read in one way only is nowhere.
package agentgate.templates.places

# The host of an http or https URL. User names, backslashes, spaces, control and non-ASCII characters have none: readers
# of such URLs disagree about the host.
host(url) := lower(found[0][2]) if {
	not regex.match(`[^!-~]|\\`, url)
	found := regex.find_all_string_submatch_n(`^(https?)://([A-Za-z0-9.-]+)(?::[0-9]{1,5})?(?:[/?#].*)?$`, url, 1)
}

encrypted(url) if startswith(url, "https://")

# The host is named, or its parent domain is with "*." before it.
listed(hosts, name) if has(hosts, name)

listed(hosts, name) if has(hosts, concat("", ["*", substring(name, indexof(name, "."), -1)]))

# The members have the key. The embedded engine looks at every member where an argument of a function itself is the key, and
# a list would be a way down to members of members.
has(members, key) if {
	is_string(key)
	object.get(members, key, null) != null
}

# The domain of a mail address that is spelled plainly: one address, no display name, no comment, no list.
domain(address) := lower(found[0][1]) if {
	found := regex.find_all_string_submatch_n(`^[A-Za-z0-9._%+'-]{1,64}@([A-Za-z0-9.-]{1,253})$`, address, 1)
}

# An absolute path that is at or below a root, as spelled. Links are for the server to follow or not.
inside(path, root) if {
	not climbs(path)
	path == root
}

inside(path, root) if {
	not climbs(path)
	startswith(path, concat("", [trim_suffix(root, "/"), "/"]))
}

# A step upwards in any spelling that some reader resolves, or a character that ends a path for some.
climbs(path) if regex.match(`(^|/)\.\.(/|$)|[\\\x00-\x1f]|%(2[eEfF]|5[cC]|00)`, path)

# The text with a question mark for each character outside of ASCII, so that patterns without case mean the same anywhere.
plain(text) := regex.replace(text, `[^\x00-\x7f]`, "?")

# Where keys, passwords and the history of a repository lie.
secret(path) if {
	regex.match(
		`(?i)(^|/)(\.env(\.[^/]*)?|\.ssh|\.aws|\.gnupg|\.kube|\.docker|\.git|\.netrc|\.npmrc|\.pypirc|\.pgpass|id_[a-z0-9]+)(/|$)`,
		plain(path),
	)
}

secret(path) if regex.match(`(?i)\.(pem|key|p12|pfx|jks|keystore|kdbx|tfstate)$`, plain(path))

secret(path) if regex.match(`(?i)(^|/)(shadow|gshadow|sudoers|credentials|secrets?)(\.[a-z0-9]+)?$`, plain(path))
