# What is set for this caller at this upstream: data.settings[tenant][agent][upstream][template]. "*" stands for all that
# have no key of their own. Of several that fit the most specific counts, tenant before agent before upstream, and it
# counts whole: nothing is merged, so that one look says what holds.
package agentgate.templates.scope

of(template) := setting if {
	setting := data.settings[input.caller.tenant][input.caller.agent][input.call.upstream][template]
} else := setting if {
	setting := data.settings[input.caller.tenant][input.caller.agent]["*"][template]
} else := setting if {
	setting := data.settings[input.caller.tenant]["*"][input.call.upstream][template]
} else := setting if {
	setting := data.settings[input.caller.tenant]["*"]["*"][template]
} else := setting if {
	setting := data.settings["*"][input.caller.agent][input.call.upstream][template]
} else := setting if {
	setting := data.settings["*"][input.caller.agent]["*"][template]
} else := setting if {
	setting := data.settings["*"]["*"][input.call.upstream][template]
} else := setting if {
	setting := data.settings["*"]["*"]["*"][template]
}
