"""The sections, in the order of the report."""

from typing import Final

from benchmarks import lists, sizes, streams, wrapped
from benchmarks.section import Part

PARTS: Final = (
    Part("streams", streams.run),
    Part("large", sizes.run),
    Part("lists", lists.run),
    Part("wrap", wrapped.run),
)
