# The observing policy: everything passes and nothing is hidden; each decision says what the starter would have said.
package agentgate

decision := {
	"effect": "allow",
	"reason": "observed",
	"message": data.agentgate.reasons.observed,
	"rules": ["observe"],
	"obligations": {},
	"shadow": shadow,
}

default shadow := null

shadow := {
	"policy": "starter",
	"effect": data.agentgate.rules.decision.effect,
	"reason": data.agentgate.rules.decision.reason,
	"rules": data.agentgate.rules.decision.rules,
}

listing := {"hide": []}
