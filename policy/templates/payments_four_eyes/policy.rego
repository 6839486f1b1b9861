# No payment without a second pair of eyes, and none above a limit, whoever agrees.
package agentgate.templates.payments_four_eyes

import data.agentgate.templates.scope

settings := scope.of("payments-four-eyes")

tool := settings.tools[input.call.name] if input.call.method == "tools/call"

decision := {"effect": "require_approval", "reason": "payment_needs_approval", "obligations": obligations} if {
	tool
	payable
	not beyond
} else := {"effect": "deny", "reason": "payment_refused", "obligations": {}} if tool

obligations := {"approval": object.filter(settings, ["expires", "approvers", "steps"])}

# `amount - 0` is a number in whichever way it is read.
payable if {
	amount := input.call.arguments[tool.amount]
	is_number(amount)
	amount - 0 > 0
	amount - 0 <= tool.most
	input.call.arguments[tool.currency] in settings.currencies
}

# An argument that nobody looks at.
beyond if {
	some argument, _ in input.call.arguments
	not argument in array.concat([tool.amount, tool.currency], object.get(tool, "others", []))
}

opens contains item.name if {
	input.call.method == "tools/list"
	some item in input.items
	settings.tools[item.name]
}

shuts := set()
