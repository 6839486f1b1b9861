"""The sections, in the order of the report."""

from typing import Final

from benchmarks import (
    changes,
    decisions,
    ingest,
    integration,
    lists,
    log,
    redaction,
    sizes,
    streams,
    verifying,
    wrapped,
)
from benchmarks.section import Part

PARTS: Final = (
    Part("decisions", decisions.run),
    Part("streams", streams.run),
    Part("large", sizes.run),
    Part("changes", changes.run),
    Part("lists", lists.run),
    Part("wrap", wrapped.run),
    Part("log", log.run),
    Part("redaction", redaction.run),
    Part("verify", verifying.run),
    Part("ingest", ingest.run),
    Part("integration", integration.run),
)
