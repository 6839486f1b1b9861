"""The whole table, class by class."""

from typing import Final

from tests.attacks import (
    batches,
    bypass,
    documents,
    encoding,
    framing,
    mirrors,
    reaching,
    rebinding,
    responses,
    sessions,
    smuggling,
    spelling,
    streams,
)
from tests.attacks.row import Elsewhere, NotBuilt, Row

ROWS: Final[tuple[Row, ...]] = (
    *rebinding.rows(),
    *documents.rows(),
    *batches.rows(),
    *encoding.rows(),
    *mirrors.rows(),
    *smuggling.rows(),
    *bypass.rows(),
    *responses.rows(),
    *streams.rows(),
    *framing.rows(),
    *spelling.rows(),
    *sessions.rows(),
    *reaching.rows(),
)

OTHERS: Final[tuple[Elsewhere | NotBuilt, ...]] = ()
"""Rows that belong to the table and are not played here."""
