"""A compiled policy as Python: Rego's values, its builtins, and the translation of an evaluation plan."""
