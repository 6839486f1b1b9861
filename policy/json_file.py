"""JSON files that operators and commands write and sidecars watch: read whole, replaced in one step."""

import json
from pathlib import Path
from typing import Any, Final

from evidence.files import make_folder, replace_file
from policy.engine import PolicyRefused

MISSING: Final = object()
"""There is no such file."""


def read_json(path: Path) -> Any:
    """The value in the file, or MISSING. Raises PolicyRefused with what is wrong."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return MISSING
    except OSError as error:
        raise PolicyRefused((f"{path}: {error.strerror}",)) from error
    except ValueError as error:
        raise PolicyRefused((f"{path}: not JSON: {error}",)) from error
    except RecursionError as error:
        raise PolicyRefused((f"{path}: nests too deeply",)) from error


def write_json(path: Path, value: Any) -> None:
    """Replace the file in one step (0600), and have it on disk. Raises OSError."""
    make_folder(path.parent)
    replace_file(path, json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n")
