"""One target in a process of its own, guided by coverage: `python -m tests.fuzz.guided TARGET [libFuzzer argument]…`.

libFuzzer ends the process itself: with 0 when the time is over, with 77 when the target raised; the input that did it
is then in a file under its artifact prefix, and its statistics are on standard error.
"""

import importlib
import sys
from typing import Any, Final

OURS: Final = ("proxy", "policy", "evidence")


def main(name: str, *arguments: str) -> None:
    """Instrument the product, then run; never returns."""
    # Without type stubs, and installed only where there is a wheel: the import is by name.
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=list(OURS)):
        targets = importlib.import_module("tests.fuzz.targets").TARGETS
    atheris.Setup([name, *arguments], targets[name].check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
