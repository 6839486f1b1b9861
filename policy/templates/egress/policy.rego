# What leaves: mail to known recipients, requests to known hosts, and neither after the caller has read a secret. The label
# stands in the caller's past, whichever upstream the secret came from.
package agentgate.templates.egress

import data.agentgate.templates.places
import data.agentgate.templates.scope

settings := scope.of("egress")

secret := settings.secrets[input.call.name] if input.call.method == "tools/call"

sending := settings.sending[input.call.name] if input.call.method == "tools/call"

decision := {"effect": "deny", "reason": "after_secret", "obligations": {}} if {
	sending
	"saw_secret" in input.session.labels
} else := {
	"effect": "deny",
	"reason": "destination_refused",
	"obligations": object.union(durable, labels),
	"exceptable": readable,
} if {
	sending
	not known
} else := {"effect": "allow", "reason": "destination_known", "obligations": object.union(durable, labels)} if {
	sending
} else := {"effect": "allow", "reason": "secret_read", "obligations": labels} if secret

durable := {"durability": ["host"]}

labels := {"label": ["saw_secret"]} if {
	secret
} else := {}

# The call says where it goes, every place is one of those that are set, and it has no argument that nobody looks at.
known if {
	readable
	not strays
}

# It is clear where the call goes, and nothing else in it can say so: an exception may be about it.
default readable := false

readable if {
	input.call.arguments[places_named[0]]
	not beyond
	not unclear
}

# A second line in a text of one line is a header of its own for some servers, and another recipient in it.
unclear if {
	some argument in sending.lines
	given := input.call.arguments[argument]
	not one_line(given)
}

one_line(given) if {
	is_string(given)
	not regex.match(`[\x00-\x1f\x7f\x{85}\x{2028}\x{2029}]`, given)
}

unclear if {
	some argument in sending.urls
	url := input.call.arguments[argument]
	not url_clear(url)
}

unclear if {
	some argument in sending.recipients
	given := input.call.arguments[argument]
	not recipients_clear(given)
}

url_clear(url) if {
	is_string(url)
	places.encrypted(url)
	places.host(url)
}

recipients_clear(given) if address_clear(given)

recipients_clear(given) if {
	is_array(given)
	count(given) > 0
	every address in given {
		address_clear(address)
	}
}

address_clear(address) if recipient_known(address)

address_clear(address) if {
	is_string(address)
	places.domain(address)
}

places_named := array.concat(object.get(sending, "urls", []), object.get(sending, "recipients", []))

beyond if {
	some argument, _ in input.call.arguments
	not argument in places_named
	not argument in object.get(sending, "lines", [])
	not argument in object.get(sending, "others", [])
}

strays if {
	some argument in sending.urls
	url := input.call.arguments[argument]
	not url_known(url)
}

strays if {
	some argument in sending.recipients
	given := input.call.arguments[argument]
	not recipients_known(given)
}

url_known(url) if {
	is_string(url)
	places.encrypted(url)
	places.listed(settings.hosts, places.host(url))
}

recipients_known(given) if {
	is_string(given)
	recipient_known(given)
}

recipients_known(given) if {
	is_array(given)
	count(given) > 0
	every address in given {
		recipient_known(address)
	}
}

recipient_known(address) if places.has(settings.addresses, address)

recipient_known(address) if {
	is_string(address)
	places.has(settings.domains, places.domain(address))
}

opens contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	settings.secrets[item.name]
}

opens contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	settings.sending[item.name]
}

# To somebody who has read a secret nothing is offered that sends.
shuts contains item.name if {
	"saw_secret" in input.session.labels
	some item in input.items
	settings.sending[item.name]
}
