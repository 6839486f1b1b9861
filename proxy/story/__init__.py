"""What `agentgate demo` is told with: a place of its own, and a voice."""
