"""The transparency log over the ledger: one fenced sequencer, static files, witnesses (docs/adr/0020)."""
