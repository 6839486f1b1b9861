"""Policy templates: what there is, and a folder of policy that composes several of them.

The library lies beside this module: a folder for each template, and the modules that every composition has. A composed
folder is the policy of whoever asked for it, to be edited, tested, built and signed like any other:

    main.rego               the decision and the listing, from what the templates say
    chosen.rego             which templates those are (the one module that is made here)
    templates/*.rego        the templates and their tests, as in the library
    rules/*.rego            which exceptions hold for a call, as in the built-in policies
    settings/data.json      whom they are about, and what exactly: data.settings[tenant][agent][upstream][template]
    settings/schema         a JSON schema of it
    reasons/data.json       a message for each reason
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TextIO

import msgspec

LIBRARY: Final = Path(__file__).parent / "templates"
_RULES: Final = Path(__file__).parent / "rego" / "rules"
_SHARED: Final = ("arguments.rego", "arguments_test.rego", "exceptions.rego", "excepting_test.rego")
"""Of the built-in rules: what an exception is about, and whether it holds."""

_BEFORE: Final = ("pins",)
_AFTER: Final = ("tasks",)
_REASONS: Final[Mapping[str, str]] = {
    "no_template": "Nothing that was set up here allows this.",
    "definition_changed": "The definition of this tool is not the one that was pinned.",
    "excepted": "An exception for a limited time allows this.",
    "follows_call": "This continues what was allowed before.",
}

_CHOSEN: Final = """\
# Made by `agentgate policy init`: the templates, in their order. One more is one more name, and three more lines.
package agentgate.templates.chosen

import data.agentgate.templates

names := {names}
"""


class NoTemplate(ValueError):
    """A name that no template has, or one twice; the text says which."""


class NotEmpty(ValueError):
    """A folder in which something lies already."""


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One template: what it is for, which obligations it can give, which controls it supports, why it says what.

    `exceptable` are reasons of its denials that an exception lifts; all others stand, whatever is signed.
    """

    id: str
    risk: str
    use_case: str
    obligations: tuple[str, ...]
    controls: tuple[str, ...]
    reasons: dict[str, str]
    exceptable: tuple[str, ...]

    @property
    def package(self) -> str:
        """Its name in Rego, and that of its folder."""
        return self.id.replace("-", "_")

    @property
    def folder(self) -> Path:
        """Where it lies in the library."""
        return LIBRARY / self.package

    def example(self) -> dict[str, Any]:
        """Settings that show its form: `{tenant: {agent: {upstream: {id: …}}}}`."""
        return dict(json.loads((self.folder / "data.json").read_bytes()))

    def schema(self) -> dict[str, Any]:
        """The JSON schema of its settings, from the template's own name downwards."""
        return dict(json.loads((self.folder / "schema.json").read_bytes()))


def templates() -> tuple[Template, ...]:
    """Every template, by name."""
    return tuple(map(_read, sorted(LIBRARY.glob("*/template.json"))))


def chosen(names: Sequence[str]) -> tuple[Template, ...]:
    """The templates of these names, in this order. Raises NoTemplate."""
    known = {template.id: template for template in templates()}
    for name in names:
        if name not in known:
            raise NoTemplate(f"there is no template {name}; there are {', '.join(known)}")
    if len(set(names)) < len(names):
        raise NoTemplate("a template is named twice")
    return tuple(known[name] for name in names)


def composed(parts: Sequence[Template]) -> dict[str, bytes]:
    """The files of a folder in which these templates decide together, by their paths."""
    own = {path.name: path.read_bytes() for path in LIBRARY.glob("*.rego")}
    files = {name: own.pop(name) for name in ("main.rego", "main_test.rego")}
    files |= {f"templates/{name}": content for name, content in own.items()}
    files |= {f"rules/{name}": (_RULES / name).read_bytes() for name in _SHARED}
    for part in parts:
        files[f"templates/{part.package}.rego"] = (part.folder / "policy.rego").read_bytes()
        files[f"templates/{part.package}_test.rego"] = (part.folder / "policy_test.rego").read_bytes()
    files["chosen.rego"] = _chosen_module(parts).encode()
    files["settings/data.json"] = _text(merged(part.example() for part in parts))
    files["settings/schema"] = _text(settings_schema(parts))
    files["reasons/data.json"] = _text(dict(_reasons(parts)))
    return dict(sorted(files.items()))


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files into a folder that is new or empty. Raises NotEmpty, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise NotEmpty(f"{folder} is not empty")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


def merged(trees: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Nested objects as one; where two have a value at the same place, the later one counts."""
    whole: dict[str, Any] = {}
    for tree in trees:
        for key, value in tree.items():
            found = whole.get(key)
            whole[key] = merged((found, value)) if isinstance(found, dict) and isinstance(value, dict) else value
    return whole


def settings_schema(parts: Sequence[Template]) -> dict[str, Any]:
    """The JSON schema of all settings: tenant, agent, upstream, and then what each template wants."""
    leaf: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {part.id: part.schema() for part in parts},
    }
    for _ in ("upstream", "agent", "tenant"):
        leaf = {"type": "object", "additionalProperties": leaf}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **leaf}


def _read(path: Path) -> Template:
    return msgspec.json.decode(path.read_bytes(), type=Template)


def _chosen_module(parts: Sequence[Template]) -> str:
    names = [*_BEFORE, *(part.id for part in parts), *_AFTER]
    rules = [rule for rank, name in enumerate(names) for rule in _rules_of(rank, name.replace("-", "_"))]
    return _CHOSEN.format(names=json.dumps(names)) + "".join(f"\n{rule}\n" for rule in rules)


def _rules_of(rank: int, package: str) -> Iterator[str]:
    yield f"said[{rank}] := templates.{package}.decision"
    yield f"opens contains name if some name in templates.{package}.opens"
    yield f"shuts contains name if some name in templates.{package}.shuts"


def _reasons(parts: Sequence[Template]) -> Iterator[tuple[str, str]]:
    yield from _REASONS.items()
    for part in parts:
        yield from part.reasons.items()


def _text(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def run_init(names: Sequence[str], folder: Path, out: TextIO) -> int:
    """`policy init`: write a folder made of templates. Raises NoTemplate, NotEmpty, OSError."""
    parts = chosen(names)
    write(folder, composed(parts))
    out.write(f"{folder}: {', '.join(part.id for part in parts)}\n")
    out.write(
        f"Write into {folder}/settings/data.json whom and what it is about; what stands there is an example. Then:\n"
    )
    out.write(f"  agentgate policy check --policy {folder}\n  agentgate policy test {folder}\n")
    return 0


def run_list(*, as_json: bool, out: TextIO) -> int:
    """`policy init --list`: every template, for people or for programs."""
    found = templates()
    if as_json:
        out.write(json.dumps([msgspec.to_builtins(template) for template in found]) + "\n")
        return 0
    width = max(len(template.id) for template in found)
    out.writelines(f"{template.id:{width}}  {template.risk:6}  {template.use_case}\n" for template in found)
    return 0
