"""One target in a process of its own, guided by coverage: `python -m tests.fuzz.guided TARGET [libFuzzer argument]…`.

libFuzzer ends the process itself: with 0 when the time is over, with 77 when the target raised; the input that did it
is then in a file under its artifact prefix, and its statistics are on standard error.
"""

import importlib
import shlex
import sys
from typing import Any, Final

OURS: Final = ("proxy", "policy", "evidence")


def main(name: str, *arguments: str) -> None:
    """Instrument the product, then run; never returns."""
    # Without type stubs, and installed only where there is a wheel: the import is by name.
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=list(OURS)):
        targets = importlib.import_module("tests.fuzz.targets").TARGETS
    # libFuzzer starts itself again to merge, with this text before the arguments in a shell's line.
    again = f"{shlex.quote(sys.executable)} -m tests.fuzz.guided {name}"
    atheris.Setup([again, *arguments], targets[name].check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
