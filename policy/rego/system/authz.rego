# What our OPA answers at all: POST to the entry points, and its health.
package system.authz

default allow := false

allow if {
	input.method == "POST"
	input.path in [
		["v1", "data", "agentgate", "decision"],
		["v1", "data", "agentgate", "listing"],
		["v1", "data", "agentgate", "result"],
	]
}

allow if {
	input.method == "GET"
	input.path == ["health"]
}
