"""Runs the steps of a Dockerfile without a container engine: `dockerfile_steps.py ROOT [DOCKERFILE]`.

All stages share one root folder that the image's absolute paths are laid out in: so `COPY --from` is already done when
it is reached, and an absolute path that an earlier stage wrote into a file (a virtual environment's interpreter) stays
right. Each RUN is given to `sh` with the image's own top folders replaced by those under the root. USER, EXPOSE and the
base image are not acted on. Prints each step; exits with the code of the first that fails, and 2 on a step that it does
not know, so that the Dockerfile stays within what is tested.
"""

import glob
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

IMAGE_FOLDERS: Final = re.compile(r"(?<![\w/.-])/(src|opt|var/lib/agentgate)(?=/|\b)")
NO_EFFECT: Final = frozenset({"FROM", "USER", "EXPOSE", "ENV", "ENTRYPOINT", "CMD", "LABEL"})


class UnknownStep(Exception):
    """A step that cannot be carried out here."""


@dataclass(slots=True)
class Builder:
    """Carries out steps under `root`, with `context` as the folder that COPY takes from."""

    root: Path
    context: Path
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.root

    def place(self, path: str) -> Path:
        """Where a path of the image lies under the root."""
        return self.root / path.lstrip("/") if path.startswith("/") else self.folder / path

    def step(self, instruction: str, rest: str) -> None:
        """Carries out one step. Raises UnknownStep, CalledProcessError."""
        match instruction:
            case "WORKDIR":
                self.folder = self.place(rest)
                self.folder.mkdir(parents=True, exist_ok=True)
            case "RUN":
                command = IMAGE_FOLDERS.sub(lambda found: f"{self.root}{found[0]}", rest)
                subprocess.run(["sh", "-euc", command], cwd=self.folder, check=True)
            case "COPY":
                self.copy(shlex.split(rest))
            case _ if instruction not in NO_EFFECT:
                raise UnknownStep(instruction)

    def copy(self, words: list[str]) -> None:
        """COPY from the context; from an earlier stage there is nothing to do, as stages share the root."""
        if words[0].startswith("--from="):
            return
        *sources, target = words
        into = self.place(target)
        for pattern in sources:
            for source in map(Path, glob.glob(pattern, root_dir=self.context)):
                self._copy_one(self.context / source, into, is_folder=target.endswith("/") or len(sources) > 1)

    def _copy_one(self, source: Path, into: Path, *, is_folder: bool) -> None:
        if source.is_dir():
            shutil.copytree(source, into, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            return
        target = into / source.name if is_folder else into
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Each instruction, in capitals, with the rest of its (joined) line."""
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", text))
    for line in filter(None, map(str.strip, joined.splitlines())):
        instruction, _, rest = line.partition(" ")
        yield instruction.upper(), rest.strip()


def main(root: str, dockerfile: str = "Dockerfile") -> int:
    """Carries out all steps; 0, the code of the first that failed, or 2."""
    file = Path(dockerfile).resolve()
    builder = Builder(Path(root).resolve(), file.parent)
    for instruction, rest in steps(file.read_text("utf-8")):
        sys.stdout.write(f"{instruction} {rest}\n")
        sys.stdout.flush()
        try:
            builder.step(instruction, rest)
        except subprocess.CalledProcessError as failed:
            return failed.returncode
        except UnknownStep as unknown:
            sys.stderr.write(f"cannot carry out {unknown}\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
