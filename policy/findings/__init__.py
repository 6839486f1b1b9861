"""Findings: what looks odd in the definition of a tool. Heuristics: data for policy, and no verdict of their own."""
