"""Holds the ledger to the log that was published over it, row by row: whoever changed one is told, and where."""
