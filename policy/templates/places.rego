# Paths and addresses as calls spell them; what cannot be read in one way only is nowhere.
package agentgate.templates.places

# The host of an http or https URL. User names, backslashes, spaces, control and non-ASCII characters have none: readers
# of such URLs disagree about the host.
host(url) := lower(found[0][2]) if {
	not regex.match(`[^!-~]|\\`, url)
	found := regex.find_all_string_submatch_n(
		`^(https?)://([A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9][A-Za-z0-9-]*)*\.?)(?::[0-9]{1,5})?(?:[/?#].*)?$`,
		url, 1,
	)
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

# The domain of a mail address that is spelled plainly: one address, no display name, no comment, no list. A percent sign is
# a way to another domain for some relays, and what begins with a dash an option for some programs.
domain(address) := lower(found[0][1]) if {
	found := regex.find_all_string_submatch_n(`^[A-Za-z0-9._+'][A-Za-z0-9._+'-]{0,63}@([A-Za-z0-9.-]{1,253})$`, address, 1)
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

# A step upwards in any spelling that some reader resolves, or a character that ends a path for some, counts as a dot or a
# slash for some, or for nothing at all.
climbs(path) if {
	regex.match(
		concat("", [
			`(^|/)\.\.(/|$)|[\\\x00-\x1f\x7f]|%(2[5eEfF]|5[cC]|00|[cC][01]|[eE]0%80)|`,
			`[\x{ad}\x{200b}-\x{200f}\x{2024}-\x{2026}\x{202a}-\x{202e}\x{2044}\x{2060}-\x{206f}\x{2215}\x{2216}]|`,
			`[\x{29f8}\x{29f9}\x{fe52}\x{fe68}\x{feff}\x{ff0e}\x{ff0f}\x{ff3c}]`,
		]),
		path,
	)
}

# The text with a question mark for each character outside of ASCII, so that patterns without case mean the same anywhere.
plain(text) := regex.replace(text, `[^\x00-\x7f]`, "?")

# Where keys, passwords and the history of a repository lie. Some systems drop blanks and dots at the end of a name, and take
# what follows a colon for a part of the file.
secret(path) if {
	regex.match(
		concat("", [
			`(?i)(^|/)(\.env([._~-][^/]*)?|\.envrc|\.ssh|\.aws|\.azure|\.gnupg|\.kube|\.docker|\.dockercfg|\.git|\.git-credentials|`,
			`\.htpasswd|\.my\.cnf|\.netrc|\.npmrc|\.pypirc|\.pgpass|\.s3cfg|\.vault-token|id_[a-z0-9_]+|secrets?)[ .~]*(:[^/]*)?(/|$)`,
		]),
		plain(path),
	)
}

secret(path) if {
	regex.match(
		`(?i)\.(pem|key|p8|p12|pfx|ppk|jks|keystore|kdbx|ovpn|tfstate)(\.(bak|old|orig|save|swp|tmp))?[ .~-]*(:[^/]*)?$`,
		plain(path),
	)
}

secret(path) if {
	regex.match(`(?i)(^|/)(shadow|gshadow|sudoers|credentials|secrets?)(\.[a-z0-9]+)*[ .~-]*(:[^/]*)?$`, plain(path))
}

# What a process is given, and what it reaches.
secret(path) if regex.match(`(^|/)proc/([^/]+/)+(environ|mem|maps|fd|root|cwd|cmdline)(/|$)`, path)
