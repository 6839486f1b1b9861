"""What central says of a sidecar that was not heard of any more: where its chain ends, and which calls are unknown."""
