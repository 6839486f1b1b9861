# Part of every composition: a tool that is not what was reviewed is denied, whoever allows it.
package agentgate.templates.pins

decision := {"effect": "deny", "reason": "definition_changed", "obligations": {}} if {
	altered(input.call.definition.pinned)
}

opens := set()

shuts contains item.name if {
	some item in input.items
	altered(item.definition.pinned)
}

altered("changed")

altered("renamed")

altered("duplicate")
