# What is set for this caller at this upstream: data.settings[tenant][agent][upstream][template]. "*" stands for all that
# have no key of their own. Of several that fit the most specific counts, tenant before agent before upstream, and it
# counts whole: nothing is merged, so that one look says what holds.
package agentgate.templates.scope

levels := [level |
	some tenant in [input.caller.tenant, "*"]
	some agent in [input.caller.agent, "*"]
	some upstream in [input.call.upstream, "*"]
	level := data.settings[tenant][agent][upstream]
]

of(template) := found[0] if {
	found := [setting |
		some level in levels
		setting := object.get(level, template, null)
		setting != null
	]
}
