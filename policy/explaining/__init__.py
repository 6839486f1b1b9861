"""`agentgate policy explain`: why policy decides a call as it does, and what came closest to another decision."""
