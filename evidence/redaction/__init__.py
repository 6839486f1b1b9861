"""Redaction: what is secret or personal in a text or document is found by detectors, and replaced.

Nothing outside imports more than `redactor` and, for an operator's own detectors, `loading`; and only where it is used.
"""
