"""The ledger: every accepted record of every chain, byte for byte as its sidecar wrote it."""
