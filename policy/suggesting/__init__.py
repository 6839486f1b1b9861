"""`agentgate policy suggest`: the narrowest grants that recorded calls would need, for somebody to review."""
