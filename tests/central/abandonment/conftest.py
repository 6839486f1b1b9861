"""An office for each test."""

from tests.central.erasure.conftest import place

__all__ = ["place"]
