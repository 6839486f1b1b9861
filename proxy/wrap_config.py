"""`agentgate wrap-config`: puts AgentGate before each stdio server of an MCP client's configuration, and takes it out.

The text is edited in place, so that comments, key order and layout stay. An entry

    "command": "npx", "args": ["-y", "x"]

becomes

    "command": "agentgate", "args": ["wrap", "--name", "x", "--", "npx", "-y", "x"]

which says all that `--undo` needs: it gives back the same bytes. An entry without `args` gets them with `--name=x` in
one piece, and loses them again.
"""

import difflib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from evidence.printable import printable
from proxy.settings.jsonc import Array, Node, NotJson, Object, Scalar, read
from proxy.settings.naming import sanitised

_PROGRAM: Final = "agentgate"
_BY_HAND: Final = 'Put command = "agentgate" and args = ["wrap", "--name", NAME, "--", COMMAND, ...] there by hand.'


class CannotRewrite(Exception):
    """The file is not one that can be rewritten safely; it is unchanged. The text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one server: the new text of some places, and a word and a note for the table."""

    server: str
    word: str
    note: str
    edits: tuple[tuple[int, int, str], ...] = ()


def run_wrap_config(file: Path, *, undo: bool, dry_run: bool, out: TextIO, program: str | None = None) -> int:
    """Rewrite `file`, print what changed, and give 0. Raises CannotRewrite.

    `program` is the agentgate to be started by the client, by default the one that runs now.
    """
    target = file.expanduser().resolve()
    before = _text(target)
    changes = undone(before) if undo else wrapped(before, program or own_program())
    after = applied(before, changes)
    if dry_run:
        out.writelines(_diff(before, after, str(file)))
    elif after != before:
        _replace(target, after)
    for change in changes:
        out.write(f"  {change.word:<9} {printable(change.server):<20} {change.note}\n")
    out.write(f"{printable(file)}: {_summary(before, after, dry_run=dry_run)}\n")
    return 0


def own_program() -> str:
    """The absolute path of the running `agentgate`: a client that is started from a desktop has another PATH."""
    running = Path(sys.argv[0]).absolute()
    return str(running) if running.name == _PROGRAM else _PROGRAM


def wrapped(text: str, program: str) -> list[Change]:
    """The changes that put `program` before each stdio server in the text of a configuration. Raises CannotRewrite."""
    changes, taken = list[Change](), set[str]()
    for key, server in _servers(text):
        name = _free(sanitised(key), taken)
        taken.add(name)
        changes.append(_wrap(text, key, server, name, program))
    return changes


def undone(text: str) -> list[Change]:
    """The changes that take AgentGate out of the text of a configuration. Raises CannotRewrite."""
    return [_unwrap(text, key, server) for key, server in _servers(text)]


def applied(text: str, changes: Sequence[Change]) -> str:
    """The text with all edits done."""
    for start, end, new in sorted((edit for change in changes for edit in change.edits), reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _wrap(text: str, key: str, server: Object, name: str, program: str) -> Change:
    command, args = server.members.get("command"), server.members.get("args")
    if command is None and "url" in server.members:
        how = (
            f"is reached by URL: start `agentgate sidecar --upstream {name}=URL`, and use http://127.0.0.1:8900/{name}"
        )
        return Change(key, "left", how)
    if not isinstance(command, Scalar) or not isinstance(command.value, str):
        return Change(key, "left", "has no command")
    if _is_wrapped(server):
        return Change(key, "already", "goes through AgentGate")
    if args is not None and not _is_strings(args):
        return Change(key, "left", "has args that are no list of strings")
    original = text[command.start : command.end]
    edits = [(command.start, command.end, _quoted(program))]
    if isinstance(args, Array):
        edits.append(_into(text, args, ['"wrap"', '"--name"', _quoted(name), '"--"', original]))
    else:
        inner = ", ".join(('"wrap"', _quoted(f"--name={name}"), '"--"', original))
        edits.append((command.end, command.end, f',{_before(text, server, "command")}"args": [{inner}]'))
    return Change(key, "wrapped", f"as {name}", tuple(edits))


def _into(text: str, args: Array, new: list[str]) -> tuple[int, int, str]:
    """The edit that puts `new` before the items of `args`, laid out as they are."""
    if not args.items:
        return args.start + 1, args.start + 1, ", ".join(new)
    first = args.items[0].start
    lead = text[args.start + 1 : first]
    between = lead if lead.isspace() and "\n" in lead else " "
    return first, first, "".join(f"{item},{between}" for item in new)


def _unwrap(text: str, key: str, server: Object) -> Change:
    command, args = server.members.get("command"), server.members.get("args")
    if not _is_wrapped(server) or not isinstance(args, Array) or command is None:
        return Change(key, "left", "does not go through AgentGate")
    at = _separator(args)
    if at + 1 >= len(args.items):
        return Change(key, "left", "has no command after --: mend it by hand")
    original, rest = args.items[at + 1], args.items[at + 2 :]
    edits = [(command.start, command.end, text[original.start : original.end])]
    if _strings(args)[1].startswith("--name=") and not rest:
        between = text[command.end : server.keys["args"]]
        if between.strip() != ",":
            return Change(key, "left", "was changed by hand since: mend it by hand")
        edits.append((command.end, args.end, ""))
    else:
        edits.append((args.items[0].start, rest[0].start if rest else original.end, ""))
    return Change(key, "restored", "", tuple(edits))


def _servers(text: str) -> Iterator[tuple[str, Object]]:
    """Every server in the text, with its key. Raises CannotRewrite if there is no place for servers."""
    try:
        top = read(text)
    except NotJson as error:
        raise CannotRewrite(f"this is no JSON ({error}); nothing was changed. {_BY_HAND}") from error
    tables = [table for table in _tables(top) if isinstance(table, Object)]
    if not tables:
        raise CannotRewrite("there is neither mcpServers nor servers in it; nothing was changed. Is it the right file?")
    for table in tables:
        yield from ((key, node) for key, node in table.members.items() if isinstance(node, Object))


def _tables(top: Node) -> Iterator[Node | None]:
    """`mcpServers` (Claude, Cursor, Windsurf; also by project), `servers` and `mcp.servers` (VS Code)."""
    if not isinstance(top, Object):
        return
    yield top.members.get("mcpServers")
    yield top.members.get("servers")
    mcp, projects = top.members.get("mcp"), top.members.get("projects")
    if isinstance(mcp, Object):
        yield mcp.members.get("servers")
    if isinstance(projects, Object):
        for project in projects.members.values():
            if isinstance(project, Object):
                yield project.members.get("mcpServers")


def _is_wrapped(server: Object) -> bool:
    args = server.members.get("args")
    if not isinstance(args, Array) or not _is_strings(args) or _separator(args) < 0:
        return False
    return Path(server.string("command") or "").name == _PROGRAM and _strings(args)[:1] == ["wrap"]


def _separator(args: Array) -> int:
    strings = _strings(args)
    return strings.index("--") if "--" in strings else -1


def _strings(args: Array) -> list[str]:
    return [str(item.value) for item in args.items if isinstance(item, Scalar)]


def _is_strings(args: Node) -> bool:
    return isinstance(args, Array) and all(
        isinstance(item, Scalar) and isinstance(item.value, str) for item in args.items
    )


def _before(text: str, server: Object, key: str) -> str:
    """The blanks that stand before a key, so that the next one is laid out alike."""
    lead = text[: server.keys[key]]
    blanks = lead[len(lead.rstrip()) :]
    return blanks if "\n" in blanks else " "


def _free(name: str, taken: set[str]) -> str:
    names = (name, *(f"{name[:60]}-{number}" for number in range(2, len(taken) + 3)))
    return next(each for each in names if each not in taken)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(target: Path) -> str:
    if target.suffix == ".toml":
        raise CannotRewrite(f"{target} is TOML, which is not rewritten. {_BY_HAND}")
    try:
        return target.read_bytes().decode("utf-8")
    except OSError as error:
        raise CannotRewrite(f"{target}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CannotRewrite(f"{target} is not UTF-8; nothing was changed. {_BY_HAND}") from error


def _replace(target: Path, text: str) -> None:
    """Put the new text in the old one's place at once, with its mode and owner. Raises CannotRewrite."""
    try:
        status = target.stat()
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as new:
            try:
                new.write(text.encode("utf-8"))
                new.flush()
                os.fchmod(new.fileno(), stat.S_IMODE(status.st_mode))
                if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(new.fileno(), status.st_uid, status.st_gid)
                os.fsync(new.fileno())
                Path(new.name).replace(target)
            except OSError:
                Path(new.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise CannotRewrite(f"{target} cannot be replaced: {error.strerror}; it is unchanged") from error


def _diff(before: str, after: str, name: str) -> Iterator[str]:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for line in difflib.unified_diff(old, new, name, name, n=1):
        yield "\t".join(map(printable, line.rstrip("\r\n").split("\t"))) + "\n"


def _summary(before: str, after: str, *, dry_run: bool) -> str:
    if before == after:
        return "nothing to change"
    return "would be changed" if dry_run else "changed; restart the client"
