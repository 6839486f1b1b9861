"""What a call costs: the sidecar beside nothing, beside nginx, and beside itself without a decision."""
