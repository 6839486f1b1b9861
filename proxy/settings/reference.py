"""The reference of the configuration, made from its types: `agentgate config reference`."""

from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TextIO, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Meta, Struct
from msgspec.structs import FieldInfo

from proxy.settings.flags import KEYS
from proxy.settings.reading import default_text, metas, row_of, section_of
from proxy.settings.shape import Settings
from proxy.settings.tokens import TokenSettings

_TYPES: Final = {str: "text", int: "integer", float: "number", bool: "true or false"}
_HEAD: Final = """\
# Configuration

`agentgate sidecar` and `agentgate wrap` take a file with `-c FILE` (or `AGENTGATE_CONFIG`): TOML, or JSON if its name
ends with `.json`. Every key has a default, so that a file is needed only for what differs; a flag goes before the
file. A key that is not listed here, or a value that does not fit, ends the start with code 64, and all problems are
reported at once. `agentgate config check -c FILE` looks for them, and at keys, orders, grants, exceptions and policy,
without starting, making or writing anything.

A relative path starts at the folder of the file that names it; on the command line at the working directory. Sizes
are in bytes, times in seconds, as the names of the keys say.

Of the environment only these are read: `AGENTGATE_CONFIG` (a file, where there is no `-c`), `AGENTGATE_STATE` (the
state folder, where neither file nor `--state` names one), `XDG_STATE_HOME`, `HOME`, `AGENTGATE_DEBUG` (`1` shows where
an unexpected error came from), `AGENTGATE_OPA` and `XDG_CACHE_HOME` (where `agentgate opa` finds its program), and the
variables that `$VARIABLE` names.

    listen = "127.0.0.1:8900"

    [upstreams.files]
    url = "https://tools.example/mcp"
    headers.set.Authorization = "@/run/secrets/files"

    [policy]
    spec = "/etc/agentgate/policy"

This page is made from the types that read the file: `agentgate config reference`.
"""
_TOKENS: Final = """
## The tokens file

`identity.tokens_file` names a TOML file (or JSON, ending with `.json`) that only the sidecar's user can read (mode
0600). Each token is a `[[tokens]]` table; the file has the SHA-256 of the token, as `printf %s "$TOKEN" | sha256sum`
prints it, and the agent alone has the token: at least 32 random bytes, sent as `Authorization: Bearer TOKEN`.

"""


def run_reference(check: Path | None, out: TextIO) -> int:
    """Print the reference, or with `check` compare it with a file: 0 equal, 1 not."""
    text = reference()
    if check is None:
        out.write(text)
        return 0
    if check.is_file() and check.read_text(encoding="utf-8") == text:
        return 0
    out.write(f"{check} is not what the types say: agentgate config reference > {check}\n")
    return 1


def reference() -> str:
    """Every key of the configuration as Markdown."""
    return _HEAD + "".join(_tables(Settings, "")) + _TOKENS + _table(TokenSettings, "tokens.")


def _tables(shape: type[Struct], prefix: str) -> Iterator[str]:
    fields = msgspec.structs.fields(shape)
    if prefix:
        yield f"\n## `[{prefix.removesuffix('.')}]`\n\n{_first_line(shape)}\n\n"
    else:
        yield "\n## At the top\n\n"
    yield _table(shape, prefix)
    for info in fields:
        below = section_of(info.type)
        row = row_of(info.type)
        if below is not None:
            yield from _tables(below, f"{prefix}{info.encode_name}.")
        elif row is not None:
            yield from _tables(row, f"{prefix}{info.encode_name}.NAME.")


def _first_line(shape: type[Struct]) -> str:
    return (shape.__doc__ or "").strip()


def _table(shape: type[Struct], prefix: str) -> str:
    fields = [info for info in msgspec.structs.fields(shape) if not section_of(info.type) and not row_of(info.type)]
    rows = "".join(f"| {' | '.join(_row(info, prefix))} |\n" for info in fields)
    return f"| key | type | default | flag | meaning |\n| --- | --- | --- | --- | --- |\n{rows}"


def _row(info: FieldInfo, prefix: str) -> tuple[str, str, str, str, str]:
    at = tuple(f"{prefix}{info.encode_name}".split("."))
    flag = next((f"`--{name.replace('_', '-')}`" for name, key in KEYS.items() if key == at), _REPEATED.get(at[-1], ""))
    described = next((meta.description for meta in metas(info.type) if meta.description), "")
    return (
        f"`{info.encode_name}`",
        _type(info.type),
        _default(info),
        flag if prefix != "tokens." else "",
        described,
    )


_REPEATED: Final = {
    "url": "`--upstream`",
    "set": "`--upstream-header`",
    "keys": "`--policy-key`",
    "unsigned": "`--unsigned-bundles`",
}


def _default(info: FieldInfo) -> str:
    if info.required:
        return "required"
    return f"`{default_text(info.default)}`" if info.default not in (NODEFAULT, None, ()) else "none"


def _type(type_: Any) -> str:
    """A type in a reader's words, with its bounds."""
    if get_origin(type_) is Annotated:
        bounds = [bound for meta in metas(type_) if (bound := _bounds(meta))]
        return ", ".join((_type(get_args(type_)[0]), *bounds))
    if isinstance(type_, UnionType) or get_origin(type_) is Union:
        return _type(next(each for each in get_args(type_) if each is not NoneType))
    if get_origin(type_) is Literal:
        return " or ".join(f"`{each}`" for each in get_args(type_))
    if get_origin(type_) is tuple:
        return f"list of {_type(get_args(type_)[0])}"
    return "table of text" if get_origin(type_) is dict else _TYPES[type_]


def _bounds(meta: Meta) -> str:
    low = meta.ge if meta.ge is not None else meta.gt
    if low is None:
        return ""
    sign = ">=" if meta.ge is not None else ">"
    return f"{sign} {low:.9g}" + (f", <= {meta.le:.9g}" if meta.le is not None else "")
