"""The commands of `agentgate`: the flags of each, and the one call that it comes to."""
