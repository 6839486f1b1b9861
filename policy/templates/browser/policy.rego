# A browser that an agent steers: it opens pages of known hosts, and types nothing once the caller has read a secret. Tools
# that run scripts or send files are none of those that are named.
package agentgate.templates.browser

import data.agentgate.templates.places
import data.agentgate.templates.scope

settings := scope.of("browser")

tool := settings.tools[input.call.name] if input.call.method == "tools/call"

decision := {"effect": "deny", "reason": "typing_after_secret", "obligations": {}} if {
	tool.types
	"saw_secret" in input.session.labels
} else := {"effect": "allow", "reason": "page_open", "obligations": {"label": ["saw_page"]}} if {
	tool
	opens_nothing_else
} else := {
	"effect": "deny",
	"reason": "page_closed",
	"obligations": {"label": ["saw_page"]},
	"exceptable": readable,
} if {
	tool
}

opens_nothing_else if {
	not tool.url
	not elsewhere
}

opens_nothing_else if {
	readable
	places.listed(settings.hosts, places.host(input.call.arguments[tool.url]))
}

# It is clear which host the page is of, and it comes from there as it was sent: an exception may be about it.
default readable := false

readable if {
	not elsewhere
	url := input.call.arguments[tool.url]
	is_string(url)
	secure(url)
	places.host(url)
}

# An argument that looks like the address of a page, and is not the one that is looked at.
elsewhere if {
	some argument, value in input.call.arguments
	regex.match(`(?i)^(url|uri|href|link)s?$`, argument)
	argument != object.get(tool, "url", null)
	value != null
}

secure(url) if places.encrypted(url)

secure(url) if {
	settings.plain == true
	startswith(url, "http://")
}

opens contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	settings.tools[item.name]
}

shuts := set()
