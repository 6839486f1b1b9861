"""The texts of failures as they stand in the source: read from the syntax tree, with WORDS for what is filled in.

A text is a literal, an f-string, a name for one of these in the same function or module, or what a known function
gives.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from policy.exception_problems import ExceptionRefused, Malformed, TooLong

_SETTINGS: Final = ("proxy/config.py", "proxy/settings/*.py", "proxy/commands/*.py", "evidence/redaction/loading.py")
_CENTRAL: Final = ("central/config.py", "central/registry.py", "central/readers.py", "central/shaping.py")
_STARTS: Final = (
    *("evidence/keys.py", "policy/orders.py", "policy/opa_process.py"),
    *("proxy/child.py", "proxy/wrap_config.py"),
)
_POLICIES: Final = (
    *("policy/archive.py", "policy/opening.py", "policy/signatures.py", "policy/pem.py", "policy/manifest.py"),
    *(
        "policy/bundle.py",
        "policy/base_document.py",
        "policy/building.py",
        "policy/versions.py",
        "policy/keeping.py",
        "policy/grants.py",
        "policy/argument_rules.py",
        "policy/json_file.py",
        "policy/vetting.py",
    ),
)
_EXCEPTIONS: Final = ("policy/exception_document.py", "policy/exception_file.py", "policy/exception_signing.py")
_SERVERS: Final = ("policy/fetching.py", "policy/following.py")
_ASKING: Final = ("NotFetched", "NoBundle")
_STARTING: Final = ("KeyProblem", "OrdersProblem", "OpaMissing", "CannotStart", "CannotRewrite")

REFUSALS: Final = {kind.__name__: kind for kind in ExceptionRefused.__subclasses__()}
"""Why an exception does not count, by the names in the source."""

_CALLS: Final = {
    "meaning": "What the key means, and its default.",
    "_suggestion": "Did you mean KEY?",
    "_known": "Those that are used: IDS.",
}
"""What the functions that make a text give."""

_WORDS: Final = {
    "BUILT_IN_POLICIES": "starter or observe",
    "BUILTIN": "starter nor observe",
    "CALL": "what to write instead",
    "CAUSE": "WHY",
    "CONTENT_TYPE": "TYPE",
    "OS_ERROR": "WHY",
    "ERROR": "WHY",
    "HOSTNAME": "HOST",
    "KEYID": "ID",
    "LIMIT": "so many",
    "LINENO": "LINE",
    "KNOWN": "KEYS",
    "MAX_BYTES": "so many",
    "MAX_EXCEPTIONS": "so many",
    "MAX_FILES": "so many",
    "MOST_SECONDS": "MOST",
    "MANIFEST": ".manifest",
    "MISSING": "What to write there.",
    "WRITE": "How a table of the file is written: docs/central.md.",
    "MAX_VERSION": "2^53 - 1",
    "MSG": "WHY",
    "NAME__": "TYPE",
    "PARENT": "FOLDER",
    "R": "VALUE",
    "RAW": "SOME",
    "REPLACE": "WHY",
    "RETURNCODE": "CODE",
    "SHAPE": "KEYS",
    "SHOWN": "FUNCTION",
    "SIGNATURES": ".signatures.json",
    "STRERROR": "WHY",
    "ST_UID": "UID",
    "THERE": "FOLDER",
    "WANTED": "one that fits",
    "WHAT": "WHY",
    "WHERE": "PLACE",
}
"""A better word for what is filled in than its name in the source."""


class Text(NamedTuple):
    """Two cells of a row: a problem and its remedy, or a kind and its text."""

    first: str
    second: str


Names = Mapping[str, ast.expr]


def unfit_texts(root: Path, *, central: bool = False) -> list[Text]:
    """Each problem of a configuration of a sidecar, or of central, and its remedy, in the order of the files."""
    found = [
        Text(_text(call.args[-2], names), _text(call.args[-1], names))
        for call, names in _calls(root, _CENTRAL if central else _SETTINGS)
        if _is_problem(call)
    ]
    return list(dict.fromkeys(text for text in found if _says(text.first)))


def start_texts(root: Path) -> list[Text]:
    """Each failure of a start and what it says."""
    found = [
        Text(f"`{call.func.id}`", _text(call.args[0], names))
        for call, names in _calls(root, _STARTS)
        if isinstance(call.func, ast.Name) and call.func.id in _STARTING and call.args
    ]
    return list(dict.fromkeys(text for text in found if _says(text.second)))


def exception_texts(root: Path) -> list[Text]:
    """Each reason for which an exception does not count, and what to do."""
    found = [
        Text(_text(call.args[0].elts[0], names), REFUSALS[call.func.id].remedy)
        for call, names in _calls(root, _EXCEPTIONS)
        if isinstance(call.func, ast.Name) and call.func.id in REFUSALS and isinstance(call.args[0], ast.Tuple)
    ]
    for made, names in _nodes(root, ("policy/exceptions.py",)):
        kind = TooLong if isinstance(made, ast.Call) else Malformed
        found += [Text(_text(node, names), kind.remedy) for node in _problems(made)]
    return list(dict.fromkeys(text for text in found if _says(text.first)))


def policy_texts(root: Path) -> list[str]:
    """Each problem for which a policy, or a file of grants, cannot become active."""
    found = [_text(node, names) for made, names in _nodes(root, _POLICIES) for node in _problems(made)]
    return list(dict.fromkeys(text for text in found if _says(text)))


def server_texts(root: Path) -> list[str]:
    """Each reason for which a bundle server gave nothing."""
    found = [_text(node, names) for made, names in _nodes(root, _SERVERS) for node in _failures(made)]
    return list(dict.fromkeys(text for text in found if _says(text)))


def _failures(node: ast.AST) -> Iterator[ast.expr]:
    """The texts that are told of a server: raised, returned in its words, or kept as its problem."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[made, *_]) if name in _ASKING:
            found = [made]
        case ast.Return(value=ast.Constant(value=str()) | ast.JoinedStr() as made):
            found = [made]
        case ast.Assign(targets=[ast.Name(id="problem")], value=ast.expr() as made):
            found = [made]
        case ast.AnnAssign(target=ast.Name(id="_WORDS"), value=ast.Dict(values=found)):
            pass
        case _:
            found = []
    yield from (made for made in found if isinstance(made, ast.Constant | ast.JoinedStr))


def _says(text: str) -> bool:
    """Whether a text has words of its own, and does not only pass on what was said elsewhere."""
    return " " in text and "PROBLEM" not in text and re.search(r"[a-z]{2}", text) is not None


def _problems(node: ast.AST) -> Iterator[ast.expr]:
    """The texts that a node makes a problem of: one that is yielded, listed, appended or raised."""
    match node:
        case ast.Yield(value=ast.Tuple(elts=[_, made])) | ast.Yield(value=ast.expr() as made):
            found = [made]
        case ast.ListComp(elt=made) | ast.GeneratorExp(elt=made):
            found = [made]
        case ast.Call(func=ast.Attribute(value=ast.Name(id="problems"), attr="append"), args=[made]):
            found = [made]
        case ast.Call(func=ast.Name(id="_refuse"), args=[_, made]):
            found = [made]
        case ast.Call(func=ast.Name(id="PolicyRefused"), args=[ast.Tuple(elts=found)]):
            pass
        case _:
            found = []
    yield from (made for made in found if isinstance(made, ast.Constant | ast.JoinedStr | ast.BinOp))


def _is_problem(call: ast.Call) -> bool:
    match call.func:
        case ast.Name(id="Unfit"):
            return len(call.args) == 2
        case ast.Name(id="Problem") | ast.Attribute(attr="add" | "_add"):
            return len(call.args) == 3
        case _:
            return False


def _calls(root: Path, patterns: tuple[str, ...]) -> Iterator[tuple[ast.Call, Names]]:
    """Every call, with what each name stands for where it is made."""
    return ((node, names) for node, names in _nodes(root, patterns) if isinstance(node, ast.Call))


def _nodes(root: Path, patterns: tuple[str, ...]) -> Iterator[tuple[ast.AST, Names]]:
    for path in (path for pattern in patterns for path in sorted(root.glob(pattern))):
        tree = ast.parse(path.read_text("utf-8"), str(path))
        yield from _below(tree, _assigned(tree.body))


def _below(node: ast.AST, names: Names) -> Iterator[tuple[ast.AST, Names]]:
    for below in ast.iter_child_nodes(node):
        within = names
        if isinstance(below, ast.FunctionDef | ast.AsyncFunctionDef):
            within = {**names, **_assigned(list(ast.walk(below)))}
        yield below, within
        yield from _below(below, within)


def _assigned(nodes: list[ast.stmt] | list[ast.AST]) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found[name] = value
    return found


def _text(node: ast.expr, names: Names) -> str:
    match node:
        case ast.Constant(value=value):
            return str(value)
        case ast.JoinedStr(values=parts):
            return "".join(_text(part, names) for part in parts)
        case ast.FormattedValue(value=value):
            return _text(value, names)
        case ast.Name(id=name) if isinstance(names.get(name), ast.Constant | ast.JoinedStr):
            return _text(names[name], names)
        case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
            return _CALLS[name]
        case _:
            return _word(node)


def _word(node: ast.expr) -> str:
    """A word in capitals for a value: the last name in it."""
    word: str = re.findall(r"[A-Za-z]\w*", ast.unparse(node))[-1].upper()
    return _WORDS.get(word, word)
