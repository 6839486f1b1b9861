"""The whole table, class by class."""

from typing import Final

from tests.attacks import (
    auditing,
    batches,
    bounds,
    bundles,
    bypass,
    connections,
    documents,
    encoding,
    framing,
    mirrors,
    neighbours,
    obliging,
    planes,
    poisoning,
    reaching,
    rebinding,
    responses,
    sessions,
    smuggling,
    spelling,
    stopping,
    streams,
)
from tests.attacks.row import Row

ROWS: Final[tuple[Row, ...]] = (
    *rebinding.rows(),
    *documents.rows(),
    *batches.rows(),
    *encoding.rows(),
    *mirrors.rows(),
    *smuggling.rows(),
    *connections.rows(),
    *bypass.rows(),
    *responses.rows(),
    *streams.rows(),
    *framing.rows(),
    *spelling.rows(),
    *sessions.rows(),
    *reaching.rows(),
    *poisoning.rows(),
    *stopping.rows(),
    *planes.rows(),
    *bundles.rows(),
    *neighbours.rows(),
    *obliging.rows(),
    *bounds.rows(),
    *auditing.rows(),
)
