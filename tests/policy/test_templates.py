"""Every template on both engines, alone and with others; the folders that `policy init` writes pass OPA's own tools."""

import io
import json
import os
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from msgspec import structs

from policy.approval import terms_of
from policy.bundle import load
from policy.decision import input_text, listing_values
from policy.embedded import EmbeddedEngine
from policy.engine import Engine, EntryPoint, Policy
from policy.exception_file import Found
from policy.obligations import read_obligations
from policy.opa import OpaEngine
from policy.opa_process import OpaProcess, find_opa
from policy.reasons import GATE_REASONS, POLICY_REASONS
from policy.templating import (
    LIBRARY,
    NoTemplate,
    NotEmpty,
    chosen,
    composed,
    merged,
    run_list,
    settings_schema,
    templates,
    write,
)
from policy.vocabulary import Decision, Definition, Listed
from tests.peers.places import ROOT
from tests.peers.sidecar import agentgate
from tests.policy.asking import CALLER, NOW, SESSION, SIDECAR, call
from tests.policy.template_compositions import TOGETHER
from tests.policy.template_evasions import EVASIONS
from tests.policy.template_rows import KNOWN, TABLES, Asked, Table, exempt, reading

NAMES = [template.id for template in templates()]
ENGINES = pytest.mark.parametrize("engine", ["embedded", "opa"])
EACH = pytest.mark.parametrize("name", NAMES)


def _opa(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    binary = find_opa(os.environ)  # noqa: TID251  (where OPA is, is the machine's setting)
    return subprocess.run([str(binary), *map(str, arguments)], capture_output=True, text=True, check=False)


def _folder(place: Path, *names: str) -> Path:
    """What `policy init` writes for these templates, and the further settings of their tables."""
    folder = place / "policy"
    write(folder, composed(chosen(names)))
    settings = folder / "settings" / "data.json"
    more = [TABLES[name].more for name in names]
    settings.write_text(json.dumps(merged([json.loads(settings.read_text()), *more])))
    return folder


Ask = Callable[[EntryPoint, bytes], Awaitable[Any]]


@asynccontextmanager
async def _running(kind: str, policy: Policy, place: Path) -> AsyncIterator[Ask]:
    """An engine with the policy, and how it is asked."""
    process = OpaProcess(find_opa(os.environ), place / "opa") if kind == "opa" else None  # noqa: TID251
    engine: Engine = EmbeddedEngine(budget_seconds=5.0)
    if process is not None:
        engine = OpaEngine(process.address, budget_seconds=5.0, activation_seconds=5.0)
        await process.start(policy)

    async def ask(entry: EntryPoint, document: bytes) -> Any:
        return (await engine.ask(entry, document)).value

    try:
        await engine.activate(policy)
        yield ask
    finally:
        await engine.close()
        if process is not None:
            await process.stop()


def test_every_template_has_a_table() -> None:
    assert sorted(TABLES) == NAMES


@ENGINES
@EACH
async def test_a_template_with_its_example(name: str, engine: str, tmp_path: Path) -> None:
    table, said = TABLES[name], {}
    policy = load(str(_folder(tmp_path, name)), grants=None, exceptions=Found(table.exceptions))
    async with _running(engine, policy, tmp_path) as ask:
        for case, row in table.rows.items():
            found = await ask(EntryPoint.DECISION, row.document(table.agent, table.upstream))
            said[case] = (f"{found['effect']}:{found['reason']}", found["obligations"])
            assert found["message"]
    assert said == {case: (row.says, row.obligations) for case, row in table.rows.items()}


@ENGINES
@pytest.mark.parametrize("name", EVASIONS)
async def test_ways_around_a_template(name: str, engine: str, tmp_path: Path) -> None:
    """None of them is allowed, and none lets itself be asked for."""
    table, passed = TABLES[name], {}
    policy = load(str(_folder(tmp_path, name)), grants=None)
    async with _running(engine, policy, tmp_path) as ask:
        for way, row in EVASIONS[name].items():
            found = await ask(EntryPoint.DECISION, row.document(table.agent, table.upstream))
            said = f"{found['effect']}:{found['reason']}"
            if not (said.startswith(row.says) if row.says.endswith(":") else said == row.says):
                passed[way] = said
    assert passed == {}


async def _answers(policy: Policy, engine: str, place: Path, asked: Mapping[str, bytes]) -> dict[str, Any]:
    async with _running(engine, policy, place) as ask:
        return {case: await ask(EntryPoint.DECISION, document) for case, document in asked.items()}


def _of_known_tools(table: Table) -> dict[str, bytes]:
    """The rows, each about a tool that its server lists."""
    return {
        case: replace(row, definition=row.definition or KNOWN).document(table.agent, table.upstream)
        for case, row in table.rows.items()
    }


@ENGINES
@EACH
async def test_what_an_exception_for_everything_lifts(name: str, engine: str, tmp_path: Path) -> None:
    """Just the rows that the table names, and just for the reasons that the template declares."""
    (template,), table, folder = chosen([name]), TABLES[name], _folder(tmp_path, name)
    everything = [exempt("all", "*"), exempt("prompts", "*", method="prompts/get")]
    asked = _of_known_tools(table)
    before = await _answers(load(str(folder), grants=None), engine, tmp_path, asked)
    after = await _answers(load(str(folder), grants=None, exceptions=Found(tuple(everything))), engine, tmp_path, asked)
    turned = {case for case in asked if before[case] != after[case]}
    assert turned == table.lifted
    assert {before[case]["reason"] for case in turned} == set(template.exceptable)
    assert all(after[case]["effect"] == "allow" and after[case]["exception"] == "all" for case in turned)


@ENGINES
@EACH
async def test_what_no_exception_is_for(name: str, engine: str, tmp_path: Path) -> None:
    """A tool that nobody lists, or that is not what was reviewed."""
    table, asked = TABLES[name], {}
    for definition in (None, reading("changed"), reading("renamed"), reading("duplicate")):
        for case, row in table.rows.items():
            document = replace(row, definition=definition).document(table.agent, table.upstream)
            asked[f"{case}, {definition and definition.pinned}"] = document
    policy = load(str(_folder(tmp_path, name)), grants=None, exceptions=Found((exempt("all", "*"),)))
    said = await _answers(policy, engine, tmp_path, asked)
    assert [case for case, found in said.items() if "exception" in found] == []


@EACH
def test_a_readme_says_what_an_exception_lifts(name: str) -> None:
    (template,) = chosen([name])
    text = (template.folder / "README.md").read_text()
    (told,) = [part for part in text.split("\n\n") if part.startswith("Exceptions: ")]
    assert set(template.exceptable) <= set(re.findall(r"`([a-z_]+)`", told))
    assert template.exceptable or "none lifts" in told or "nothing to lift" in told


@EACH
def test_what_is_exceptable_is_a_denial_of_the_table(name: str) -> None:
    (template,) = chosen([name])
    denials = {row.says.partition(":")[2] for row in TABLES[name].rows.values() if row.says.startswith("deny:")}
    assert set(template.exceptable) <= denials


@EACH
def test_a_table_has_every_reason_of_its_template(name: str) -> None:
    (template,) = chosen([name])
    reasons = {row.says.partition(":")[2] for row in TABLES[name].rows.values()}
    assert set(template.reasons) <= reasons
    kinds = {kind for row in TABLES[name].rows.values() for kind in row.obligations}
    assert kinds == set(template.obligations)


@EACH
def test_obligations_are_ones_that_the_sidecar_keeps(name: str) -> None:
    for row in TABLES[name].rows.values():
        if row.says.startswith("allow:"):
            read_obligations(row.obligations)
        elif row.says.startswith("require_approval:"):
            decision = Decision(
                id="d",
                effect="require_approval",
                reason="r",
                message="",
                rules=(),
                obligations=dict(row.obligations),
                engine="embedded",
                versions={},
                signed=False,
            )
            assert terms_of(decision).seconds >= 600


@EACH
def test_an_example_fits_its_schema(name: str) -> None:
    (template,) = chosen([name])
    jsonschema.validate(template.example(), settings_schema([template]))


@EACH
def test_a_readme_is_short_and_names_its_settings(name: str) -> None:
    (template,) = chosen([name])
    text = (template.folder / "README.md").read_text()
    assert text.startswith(f"# {name}\n")
    assert len(text.splitlines()) <= 20
    assert [member for member in _members(template.schema()) if f"`{member}" not in text and member not in text] == []


def _members(schema: dict[str, Any]) -> Sequence[str]:
    return list(schema.get("properties", {}))


@pytest.mark.parametrize(
    "names", [*([name] for name in NAMES), NAMES], ids=lambda names: names[0] if len(names) == 1 else "all"
)
def test_a_folder_passes_the_tools_of_opa(names: list[str], tmp_path: Path) -> None:
    folder = _folder(tmp_path, *names)
    assert _opa("check", "--strict", folder).stderr == ""
    assert _opa("fmt", "--list", "--fail", folder).stdout == ""
    done = _opa("test", folder)
    assert done.returncode == 0, done.stdout
    assert "PASS" in done.stdout


@ENGINES
@pytest.mark.parametrize("case", TOGETHER)
async def test_templates_together(case: str, engine: str, tmp_path: Path) -> None:
    together = TOGETHER[case]
    folder = _folder(tmp_path, *together.templates)
    (folder / "settings" / "data.json").write_text(json.dumps(together.settings))
    said = {}
    policy = load(str(folder), grants=None, exceptions=Found(together.exceptions))
    async with _running(engine, policy, tmp_path) as ask:
        for name, (row, _) in together.rows.items():
            found = await ask(EntryPoint.DECISION, row.document("a", "u"))
            said[name] = (f"{found['effect']}:{found['reason']}", found["rules"], found["obligations"])
        hidden = await ask(EntryPoint.LISTING, _listing(together.listed))
    assert said == {name: (row.says, rules, row.obligations) for name, (row, rules) in together.rows.items()}
    assert hidden == {"hide": list(together.hidden)}


def _listing(listed: Mapping[str, Definition | None]) -> bytes:
    asked = call("tools/list", caller=structs.replace(CALLER, agent="a"))
    items = [Listed(name, {} if it is None else structs.asdict(it)) for name, it in listed.items()]
    return input_text(listing_values(asked, items, session=SESSION, sidecar=SIDECAR, now=NOW))


_DEMANDING = ("allow", "require_approval", "deny")


async def test_all_together_are_as_demanding_as_each_and_the_same_on_both_engines(tmp_path: Path) -> None:
    held = Found(tuple(one for table in TABLES.values() for one in table.exceptions))
    policy = load(str(_folder(tmp_path, *NAMES)), grants=None, exceptions=held)
    rows = [(name, case, row, table) for name, table in TABLES.items() for case, row in table.rows.items()]
    async with _running("embedded", policy, tmp_path) as ask, _running("opa", policy, tmp_path) as ask_opa:
        for name, case, row, table in rows:
            document = row.document(table.agent, table.upstream)
            said = await ask(EntryPoint.DECISION, document)
            assert said == await ask_opa(EntryPoint.DECISION, document), (name, case)
            effect = row.says.partition(":")[0]
            if row.says != "deny:no_template":
                assert _DEMANDING.index(said["effect"]) >= _DEMANDING.index(effect), (name, case)


LOOKED_UP: dict[str, tuple[str, dict[str, Any], Any, str, str, Any]] = {
    "a tool": ("filesystem-jail", {"roots": ["/srv"]}, {"paths": ["path"]}, "tools", "n7", {"path": "/srv/a"}),
    "a reading tool": ("read-only-low-risk", {}, {}, "tools", "n7", None),
    "a host": ("egress", {"sending": {"get": {"urls": ["url"]}}}, {}, "hosts", "get", {"url": "https://n7"}),
    "an address": (
        "egress",
        {"sending": {"mail": {"recipients": ["to"]}}},
        {},
        "domains",
        "mail",
        {"to": "a@n7"},
    ),
}


@pytest.mark.parametrize("case", LOOKED_UP)
async def test_settings_are_looked_up_by_key(case: str, tmp_path: Path) -> None:
    """With 20,000 members a decision takes about as long as with ten: looking at each would take far longer."""
    template, settings, member, where, name, arguments = LOOKED_UP[case]
    folder, taken = _folder(tmp_path, template), []
    row = Asked("", name, arguments, definition=reading())
    for size in (10, 20_000):
        members = {f"n{i}": member for i in range(size)}
        given = {"*": {"*": {"*": {template: {**settings, where: members}}}}}
        (folder / "settings" / "data.json").write_text(json.dumps(given))
        async with _running("embedded", load(str(folder), grants=None), tmp_path) as ask:
            taken.append(min([await _seconds(ask, row.document("a", "u")) for _ in range(30)]))
    assert taken[1] < taken[0] * 10


async def _seconds(ask: Ask, document: bytes) -> float:
    begin = time.perf_counter()
    assert (await ask(EntryPoint.DECISION, document))["effect"] == "allow"
    return time.perf_counter() - begin


def test_the_list_names_every_template() -> None:
    table, listed = io.StringIO(), io.StringIO()
    assert run_list(as_json=False, out=table) == run_list(as_json=True, out=listed) == 0
    assert [line.split()[0] for line in table.getvalue().splitlines()] == NAMES
    assert [each["id"] for each in json.loads(listed.getvalue())] == NAMES


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["--list"], 0, "sampling-off", id="list"),
        pytest.param(["--template", "sampling-off", "DIR"], 0, "sampling-off", id="one"),
        pytest.param(["--template", "nosuch", "DIR"], 64, "there is no template nosuch", id="unknown"),
        pytest.param(["--template", "sampling-off"], 64, "needs templates and a folder", id="no-folder"),
        pytest.param(["DIR"], 64, "needs templates and a folder", id="no-template"),
        pytest.param(["--template", "sampling-off", "FULL"], 64, "is not empty", id="not-empty"),
        pytest.param(["--template", "sampling-off", "FULL/file/below"], 64, "Not a directory", id="no-place"),
    ],
)
def test_the_command(arguments: list[str], code: int, said: str, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    places = {"DIR": str(tmp_path / "new"), "FULL": str(tmp_path / "full")}
    given = [places.get(each.split("/")[0], each.split("/")[0]) + each[len(each.split("/")[0]) :] for each in arguments]
    done = agentgate("policy", "init", *given)
    assert done.returncode == code
    assert said in done.stdout + done.stderr
    if code == 0 and "DIR" in arguments:
        checked = agentgate("policy", "check", "--policy", places["DIR"], "--state", tmp_path / "state")
        assert checked.returncode == 0, checked.stdout


def test_a_written_folder_passes_the_quality_gates(tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    assert agentgate("policy", "init", "--template", "sql-read-only,pii-strict", folder).returncode == 0
    done = agentgate("policy", "test", folder, "--json", "--junit", tmp_path / "report.xml")
    found = json.loads(done.stdout)
    assert (done.returncode, found["passes"]) == (0, True), done.stdout
    assert found["score"] >= 90
    assert (tmp_path / "report.xml").read_text().count("<testcase") > len(list(folder.rglob("*.rego")))


NOT_WRITTEN = [
    pytest.param(["sql-read-only", "nosuch"], "there is no template nosuch", id="unknown"),
    pytest.param(["sql-read-only", "sql-read-only"], "named twice", id="twice"),
    pytest.param([""], "there is no template", id="nothing"),
]


@pytest.mark.parametrize(("names", "said"), NOT_WRITTEN)
def test_names_that_are_refused(names: list[str], said: str) -> None:
    with pytest.raises(NoTemplate, match=said):
        chosen(names)


def test_a_folder_with_something_in_it_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.rego").write_text("package agentgate\n")
    with pytest.raises(NotEmpty):
        write(tmp_path, composed(chosen(["sampling-off"])))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.rego"]


@pytest.mark.parametrize("wrong", [{"tools": {"query": {}}}, {"tool": {}}, {"tools": {"query": {"argument": 1}}}, []])
def test_the_written_schema_finds_mistakes(wrong: Any, tmp_path: Path) -> None:
    folder = _folder(tmp_path, "sql-read-only", "sampling-off")
    schema = json.loads((folder / "settings" / "schema").read_text())
    jsonschema.validate(json.loads((folder / "settings" / "data.json").read_text()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"default": {"a": {"u": {"sql-read-only": wrong}}}}, schema)


def test_reasons_are_told_apart() -> None:
    """A reason says the same wherever it stands, and no template takes one that another has."""
    reasons = [reason for template in templates() for reason in template.reasons]
    assert len(set(reasons)) == len(reasons)
    assert not set(reasons) & (POLICY_REASONS.keys() | GATE_REASONS.keys())


def test_a_wheel_holds_the_library(tmp_path: Path) -> None:
    uv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(uv, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("policy/templates/")}
    there = {path.relative_to(ROOT).as_posix() for path in LIBRARY.rglob("*") if path.is_file()}
    assert held == there
    assert len(there) > 6 * len(NAMES)
