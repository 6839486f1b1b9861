# Work on branches of some repositories: no history is rewritten, no branch that is protected is written, no file that holds
# secrets or decides what is built is touched.
package agentgate.templates.code_hosts

import data.agentgate.templates.places
import data.agentgate.templates.scope

settings := scope.of("code-hosts")

tool := settings.tools[input.call.name] if input.call.method == "tools/call"

decision := {"effect": "deny", "reason": "history_rewritten", "obligations": {}, "exceptable": forces} if {
	tool
	rewrites
} else := {"effect": "deny", "reason": "guarded_path", "obligations": {}} if {
	tool
	guarded
} else := {"effect": "allow", "reason": "repository_open", "obligations": {}} if {
	tool
	open_repository
	open_branch
	not beyond
} else := {"effect": "deny", "reason": "repository_closed", "obligations": {}, "exceptable": readable} if tool

# A flag that rewrites history and is not false, or a text that is one for the program behind the tool.
rewrites if {
	some argument in ["force", "force_push", "force_with_lease"]
	value := input.call.arguments[argument]
	value != false
}

rewrites if destroys

# More than a push with force, or not by a flag of the tool.
destroys if {
	some argument in ["mirror", "delete"]
	value := input.call.arguments[argument]
	value != false
}

destroys if {
	some value in input.call.arguments
	option(value)
}

destroys if {
	some values in input.call.arguments
	is_array(values)
	some value in values
	option(value)
}

# Any option but those that only tell more or less: git takes each by the first letters of its name, and several short ones in one word. A plus sign pushes with
# force, and a name after nothing but a colon is deleted.
option(value) if {
	is_string(value)
	regex.match(`^\s*(--?[A-Za-z0-9]|\+|:\w[^:\s]*\s*$)`, value)
	not regex.match(`^(-[nquv46]+|--(dry-run|porcelain|progress|quiet|set-upstream|verbose))$`, value)
}

# A push with force, and nothing else that speaks against it: an exception may be about it.
default forces := false

forces if {
	readable
	not destroys
}

# It is clear which repository, branch and files the call is about, and that is all that it says: so here.
default readable := false

readable if {
	repository
	not nested
	plain_branch
	not guarded
	not beyond
}

# An owner or a name with a slash in it, or an empty one.
nested if {
	count(tool.repository) > 1
	some part in tool.repository
	not regex.match(`^[^/]+$`, input.call.arguments[part])
}

guarded if {
	some path in paths
	not free(path)
}

# "owner/name", in one argument or in two.
repository := concat("/", [object.get(input.call.arguments, part, null) | some part in tool.repository])

open_repository if settings.repositories[repository]

open_branch if not tool.branch

open_branch if {
	plain_branch
	some prefix in settings.repositories[repository].branches
	startswith(input.call.arguments[tool.branch], prefix)
}

plain_branch if not tool.branch

plain_branch if {
	branch := input.call.arguments[tool.branch]
	is_string(branch)
	regex.match(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`, branch)
	not contains(branch, "..")
}

# Paths in an argument of their own, and in the files of a list.
paths := array.concat(single, several)

single := [path |
	some argument in object.get(tool, "paths", [])
	path := object.get(input.call.arguments, argument, null)
]

several := [path |
	some argument in object.get(tool, "files", [])
	some file in object.get(input.call.arguments, argument, [null])
	path := path_of(file)
]

# What git takes for a pattern names other files than it says.
path_of(file) := file if {
	is_string(file)
	not regex.match(`^:|[*?\[]`, file)
} else := file.path if {
	file.path
} else := null

# A list of files that is none.
beyond if {
	some argument in tool.files
	not is_array(input.call.arguments[argument])
}

# An argument that nobody looks at.
beyond if {
	some argument, _ in input.call.arguments
	not argument in seen
}

seen := [name |
	some names in [
		tool.repository,
		[object.get(tool, "branch", "")],
		object.get(tool, "paths", []),
		object.get(tool, "files", []),
		object.get(tool, "others", []),
	]
	some name in names
]

free(path) if {
	is_string(path)
	not places.climbs(path)
	not regex.match(`(^|/)\.?(/|$)`, path)
	not places.secret(path)
	not builds(path)
}

builds(path) if {
	regex.match(
		concat("", [
			`(?i)^\.(github|gitlab|gitea|forgejo|circleci|buildkite|husky|woodpecker|teamcity|tekton|azure-pipelines|devcontainer)`,
			`[ .]*(:[^/]*)?(/|$)|(^|/)(\.gitlab-ci[^/]*|\.(travis|drone|woodpecker|appveyor)\.ya?ml|bitbucket-pipelines[^/]*|`,
			`appveyor\.ya?ml|cloudbuild[^/]*|\.pre-commit-config\.ya?ml|\.gitmodules|\.gitattributes|\.lfsconfig|`,
			`jenkinsfile[^/]*|codeowners|azure-pipelines[^/]*)[ .]*(:[^/]*)?$`,
		]),
		places.plain(path),
	)
}

opens contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	settings.tools[item.name]
}

shuts := set()
