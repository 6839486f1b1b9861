"""Packs: evidence that convinces a stranger, in one file."""
