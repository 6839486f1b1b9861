"""What every code means and what each side can do: docs/errors.md and `agentgate explain` are made from here."""
