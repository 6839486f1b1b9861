"""The quality gates of a policy: what OPA and our own rules say of a folder of Rego, as findings and one score."""
