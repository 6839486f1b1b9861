"""Every template on both engines, alone and with others; the folders that `policy init` writes pass OPA's own tools."""

import json
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from policy.bundle import load
from policy.embedded import EmbeddedEngine
from policy.engine import Engine, EntryPoint, Policy
from policy.obligations import read_obligations
from policy.opa import OpaEngine
from policy.opa_process import OpaProcess, find_opa
from policy.templating import chosen, composed, merged, settings_schema, templates, write
from tests.policy.template_rows import TABLES

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
    async with _running(engine, load(str(_folder(tmp_path, name)), grants=None), tmp_path) as ask:
        for case, row in table.rows.items():
            found = await ask(EntryPoint.DECISION, row.document(table.agent, table.upstream))
            said[case] = (f"{found['effect']}:{found['reason']}", found.get("obligations", {}))
            assert found["message"]
    assert said == {case: (row.says, row.obligations) for case, row in table.rows.items()}


@EACH
def test_a_table_has_every_reason_of_its_template(name: str) -> None:
    (template,) = chosen([name])
    reasons = {row.says.partition(":")[2] for row in TABLES[name].rows.values()}
    assert set(template.reasons) <= reasons
    kinds = {kind for row in TABLES[name].rows.values() for kind in row.obligations}
    assert kinds == set(template.obligations)


@EACH
def test_the_obligations_of_an_allowance_are_ones_that_the_sidecar_keeps(name: str) -> None:
    for row in TABLES[name].rows.values():
        if row.says.startswith("allow:"):
            read_obligations(row.obligations)


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
