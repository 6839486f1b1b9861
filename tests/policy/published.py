"""The cases that OPA's makers publish for every engine, put to the embedded one.

Each case is modules, data, input, and a query with what it evaluates to. Those are run that ask for one rule,
`data.a.b = x`, with an input that is JSON; the others ask what nobody can ask of the sidecar.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from policy.opa_process import OPA_VERSION, find_opa
from policy.plan import read_plan
from policy.program import json_values, values
from policy.program.builtins import BUILTINS
from policy.program.running import Budget, Conflict
from policy.program.source import NotTranslatable
from policy.program.translation import translate

SECONDS: Final = 5.0
"""For one case; each takes milliseconds."""

_ONE_RULE: Final = re.compile(r"data\.([a-zA-Z0-9_.]+) = x")
_HOME: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")  # noqa: TID251  (as the set-up has it)
FOLDER: Final = _HOME / "agentgate" / f"opa-{OPA_VERSION}" / "cases"

Case = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case (`right`, `other value`, `no error`, `refused`, `not compiled`, `inexact`), over what."""

    folder: str
    note: str
    kind: str
    what: str = ""


def cases() -> Iterator[tuple[str, Case]]:
    """Each case that is run, with the folder it lies in. OPA reads its own YAML."""
    files = sorted(FOLDER.glob("*/*.yaml"))
    named = [argument for number, path in enumerate(files) for argument in ("-d", f"c{number}:{path}")]
    binary = find_opa(os.environ)  # noqa: TID251  (where OPA is, is the machine's setting)
    done = subprocess.run([binary, "eval", *named, "data"], capture_output=True, check=True)
    found = json.loads(done.stdout)["result"][0]["expressions"][0]["value"]
    for number, path in enumerate(files):
        for case in found[f"c{number}"]["cases"]:
            if case.get("modules") and _ONE_RULE.fullmatch(case["query"].strip()) and _is_json(case.get("input_term")):
                yield path.parent.name, case


def outcomes() -> Iterator[Outcome]:
    """Of every case."""
    with Compiler() as compiler:
        for folder, case in cases():
            yield Outcome(folder, case["note"], *_outcome(case, compiler))


class Compiler:
    """regopy, in a process that is begun again whenever a policy makes it crash."""

    def __init__(self) -> None:
        self._process = self._begun()

    def __enter__(self) -> "Compiler":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def plan(self, case: Case, entry: str) -> dict[str, Any] | None:
        """The plan of a case, or None where there is none."""
        modules = {f"m{number}.rego": text for number, text in enumerate(case["modules"])}
        asked = {"modules": modules, "data": case.get("data") or {}, "entries": [entry]}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(orjson.dumps(asked) + b"\n")
        self._process.stdin.flush()
        if answer := self._process.stdout.readline():
            plan: dict[str, Any] | None = orjson.loads(answer).get("plan")
            return plan
        self._process.communicate()
        self._process = self._begun()
        return None

    @staticmethod
    def _begun() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", "tests.policy.compiling"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _outcome(case: Case, compiler: Compiler) -> tuple[str, str]:
    asked = _ONE_RULE.fullmatch(case["query"].strip())
    assert asked is not None
    entry = asked[1].replace(".", "/")
    document = compiler.plan(case, entry)
    if document is None:
        return "not compiled", ""
    plan = read_plan(document)
    if plan.dynamic or plan.lost or plan.undefined:
        return "refused", "the plan is known to be wrong"
    if missing := sorted(plan.builtins - BUILTINS.keys()):
        return "refused", missing[0]
    if entry not in plan.rules:
        return "refused", "there is no such rule"
    try:
        program = translate(document)
        found = json_values.plain(
            program.evaluate(entry, _given(case), json_values.given(case.get("data") or {}), Budget(SECONDS))
        )
    except NotTranslatable as error:
        return "refused", str(error)
    except values.Inexact as error:
        return "inexact", str(error)
    except Conflict as error:
        return ("right" if _wants_error(case) else "other value"), str(error)
    return _judged(case, found)


def _given(case: Case) -> Any:
    if "input_term" in case:
        return json_values.read(case["input_term"].encode())
    return json_values.read(orjson.dumps(case["input"])) if "input" in case else values.UNDEFINED


def _is_json(term: str | None) -> bool:
    """Whether an input, spelled as a term of Rego, is one that the sidecar may have: there are no sets in it."""
    try:
        json.loads(term or "null")
    except ValueError:
        return False
    return True


def _wants_error(case: Case) -> bool:
    """That of a builtin is one in strict mode only, which nobody runs policies in; else there is no value there."""
    return "want_result" not in case and ("want_error_code" in case or "want_error" in case)


def _judged(case: Case, found: Any) -> tuple[str, str]:
    """What a value is worth: where an error is wanted, only none is right."""
    if _wants_error(case):
        return ("right", "") if found is values.UNDEFINED else ("no error", repr(found)[:100])
    wanted = case["want_result"][0]["x"] if case.get("want_result") else values.UNDEFINED
    if case.get("sort_bindings") and isinstance(found, list) and isinstance(wanted, list):
        found, wanted = sorted(found, key=_spelled), sorted(wanted, key=_spelled)
    found, wanted = json_values.given(found), json_values.given(wanted)
    right = found is wanted or values.same(found, wanted)
    return ("right", "") if right else ("other value", f"{found!r} for {wanted!r}"[:200])


def _spelled(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
