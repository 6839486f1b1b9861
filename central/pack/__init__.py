"""Packs out of the ledger."""
