"""The data plane: the path that every message takes between an agent and its tools."""
