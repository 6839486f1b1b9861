# The starter policy: deny unless granted, read-only at a trusted upstream, or following from one of those.
package agentgate

decision := data.agentgate.rules.decision

listing := {"hide": data.agentgate.rules.hide}
