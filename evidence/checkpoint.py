"""Checkpoints of a transparency log (C2SP tlog-checkpoint) and their cosignatures (C2SP tlog-cosignature). Pure."""
