"""Erasure, retention and legal holds: what is destroyed, what must not be, and the chain that says so."""
