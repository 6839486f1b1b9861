"""Writes policy/schemas/*.json, the schemas of the input documents, from policy/quality/documents.py.

python scripts/generate_schemas.py           rewrite the files
python scripts/generate_schemas.py --check   exit 1 if they are not what the code says
"""

import json
import sys
from pathlib import Path
from typing import Final

from policy.quality.documents import schemas
from scripts.made_page import keep

FOLDER: Final = Path(__file__).resolve().parents[1] / "policy" / "schemas"


def main() -> int:
    """0, or 1 if a file differs under --check."""
    return max(keep(FOLDER / f"{name}.json", json.dumps(found, indent=2) + "\n") for name, found in schemas().items())


if __name__ == "__main__":
    sys.exit(main())
