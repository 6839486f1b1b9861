"""The control plane: ingest, the ledger of all sidecars' evidence, and the transparency log over it."""
