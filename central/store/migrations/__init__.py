"""Migrations of central's tables, run by `central.store.schema` alone."""
