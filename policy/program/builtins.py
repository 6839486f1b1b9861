"""The closed table of what policies may call in the embedded engine; `tests/policy` measures it against a real OPA."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from policy.program.collections import COLLECTIONS
from policy.program.numbers import NUMBERS
from policy.program.texts import TEXTS

BUILTINS: Final[Mapping[str, Callable[..., Any]]] = {**COLLECTIONS, **NUMBERS, **TEXTS}
"""By the names of a plan."""
