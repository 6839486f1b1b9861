"""What a wrapped server is called: by its package or program, in the letters that an upstream's name may have."""

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

_RUNNERS: Final = frozenset(("npx", "bunx", "uvx", "pnpx"))
_WITH_VALUE: Final = frozenset(
    ("--from", "--with", "--python", "--index", "-p", "--package", "--registry", "-c", "--call")
)
_SUBCOMMANDS: Final = frozenset(("run", "dlx", "tool", "exec", "x"))
_RUN_BY_SUBCOMMAND: Final = frozenset(("pipx", "pnpm", "uv", "bun", "yarn", "npm"))
_MAX_NAME: Final = 63


def name_of(command: Sequence[str]) -> str:
    """The name for `command`: the package that a runner such as npx or uvx fetches, `-m`'s module, else the program."""
    program = PurePath(command[0]).name.removesuffix(".exe").removesuffix(".cmd")
    rest = list(command[1:])
    if program in _RUN_BY_SUBCOMMAND and rest and rest[0] in _SUBCOMMANDS:
        program = "npx"
        while rest and rest[0] in _SUBCOMMANDS:
            rest.pop(0)
    if program in _RUNNERS and (package := _first_operand(rest)) is not None:
        return sanitised(_bare(package))
    if program.startswith("python") and "-m" in rest[:-1]:
        return sanitised(rest[rest.index("-m") + 1])
    return sanitised(program)


def sanitised(text: str) -> str:
    """`text` in the letters of an upstream's name; what has none of them is called `server`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:_MAX_NAME].strip("-") or "server"


def _first_operand(arguments: Sequence[str]) -> str | None:
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument.startswith("-"):
            skip = argument in _WITH_VALUE
        else:
            return argument
    return None


def _bare(package: str) -> str:
    """A package without scope, version and extras: `@scope/name@1.2` and `name[extra]==1.2` are `name`."""
    name = package.rsplit("/", 1)[-1] if package.startswith("@") else PurePath(package).name
    return re.split(r"[@\[=<>~!;]", name, maxsplit=1)[0]
