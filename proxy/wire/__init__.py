"""Codecs without I/O: bytes in, values out, and the rules that refuse what two readers could read differently."""
