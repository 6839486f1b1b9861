"""Makes problems.txt, all that is wrong with problems.toml, and docs/configuration.md; `--check` only compares."""

import sys
from pathlib import Path
from typing import Final

from proxy.config import read_config
from proxy.settings.flags import Flags
from proxy.settings.problems import ConfigProblems
from proxy.settings.reference import reference

HERE: Final = Path(__file__).parent
FLAGS: Final = Flags(
    config=str(HERE / "problems.toml"),
    upstreams=("nothing", "flag=http://10.0.0.1/mcp", "flag=http://10.0.0.1/mcp"),
    upstream_headers=("flag:X-Key=literal", "broken"),
)


def problems() -> str:
    """The whole text, with FOLDER for the place of the files."""
    try:
        read_config(FLAGS, {"HOME": "/home/me"})
    except ConfigProblems as found:
        return f"{found}\n".replace(str(HERE), "FOLDER")
    raise AssertionError("problems.toml has no problems")


def main(arguments: list[str]) -> int:
    """Write or compare both; 1 if a file differs."""
    wanted = {HERE / "problems.txt": problems(), HERE.parents[2] / "docs" / "configuration.md": reference()}
    stale = []
    for path, text in wanted.items():
        if "--check" not in arguments:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(path.name)
    sys.stderr.write("".join(f"{name} differs: make it again\n" for name in stale))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
