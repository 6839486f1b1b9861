"""The rows of the table, in its order."""

from collections.abc import Iterator
from typing import Final

from benchmarks import sidecars, subjects
from benchmarks.subjects import Durability, Variant

_DURABILITIES: Final[tuple[Durability, ...]] = ("process", "host")


def _all() -> Iterator[Variant]:
    yield Variant("direct", subjects.direct)
    yield Variant("nginx", subjects.nginx)
    for durability in _DURABILITIES:
        yield Variant("constant", sidecars.constant(durability), durability)
        yield Variant("starter", sidecars.embedded("starter", durability), durability)
        yield Variant("observe", sidecars.embedded("observe", durability), durability)
        yield Variant("opa", sidecars.opa(durability), durability)


VARIANTS: Final = tuple(_all())
