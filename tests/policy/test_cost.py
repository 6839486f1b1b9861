"""No policy holds a decision up for long, or fills the memory, whatever builtins it calls on whatever is sent."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from policy import bundle
from policy.planning import plan_document

SECONDS: Final = 0.2
"""What the evaluation may take; looking at the clock is not for free, so there is some room above."""

AT_MOST_SECONDS: Final = 2.0
AT_MOST_MEGABYTES: Final = 300


def _doubled(step: str, first: str = '"aaaaaaaaaaaaaaaa"', last: str = "X") -> str:
    """Forty rules, each twice as large as the one before."""
    rules = [f"NAME_{level} := {step.replace('X', f'NAME_{level - 1}')}" for level in range(1, 41)]
    return "\n".join([f"NAME_0 := {first}", *rules, f"NAME := {last.replace('X', 'NAME_40')}"])


def _kept(made: str) -> str:
    """A hundred thousand of something, all of which are kept."""
    return f"NAME := [x | some i in numbers.range(1, 100000); x := {made}]"


ROWS: Final = {
    "texts doubled by concat": _doubled('concat("", [X, X])'),
    "texts doubled by sprintf": _doubled('sprintf("%s%s", [X, X])'),
    "texts doubled by a template": _doubled('$"{X}{X}"'),
    "texts doubled by replace": _doubled('replace(X, "a", "aa")'),
    "texts doubled by replace_n": _doubled('strings.replace_n({"a": "aa"}, X)'),
    "texts doubled by regex.replace": _doubled('regex.replace(X, "a", "aa")'),
    "texts doubled by encoding": _doubled("base64.encode(base64.encode(base64.encode(X)))"),
    "a long text between many": 'NAME := concat(input.text, split(input.text, ""))',
    "arrays doubled": _doubled("array.concat(X, X)", "[1, 2, 3, 4]"),
    "a value in itself, shown": _doubled("[X, X]", "1", 'sprintf("%v", [X])'),
    "a value in itself, in a template": _doubled("[X, X]", "1", '$"{X}"'),
    "a value in itself, as JSON": _doubled("[X, X]", "1", "json.marshal(X)"),
    "a value in itself, walked": _doubled("[X, X]", "1", "count([p | [p, _] := walk(X)])"),
    "an object in itself, united": _doubled('{"a": X, "b": X}', '{"c": 1}', "object.union(X, X)"),
    "long texts kept": _kept('concat("", [[input.text][i - i], "x"])'),
    "parts of long texts kept": _kept("substring([input.text][i - i], 1, -1)"),
    "long texts trimmed": _kept('trim_left([input.text][i - i], "b")'),
    "long texts split": _kept('split([input.text][i - i], "")'),
    "long texts encoded": _kept("hex.encode([input.text][i - i])"),
    "long texts digested": _kept("crypto.sha256([input.text][i - i])"),
    "long texts searched": _kept('contains([input.text][i - i], "aaaaaaaaaaaaaab")'),
    "long texts cut by a pattern": _kept('regex.split("a", [input.text][i - i])'),
    "long texts with nothing replaced": _kept('regex.replace([input.text][i - i], "z", "")'),
    "long texts cut in two by a pattern": _kept('regex.split("a$", [input.text][i - i])'),
    "long texts cut in two": _kept('split(concat("", [[input.text][i - i], ";b"]), ";")'),
    "a long query": _kept('urlquery.decode_object([input.text][i - i])'),
    "a long duration": _kept('time.parse_duration_ns(replace(substring([input.text][i - i], 0, 200000), "a", "0s"))'),
    "a long glob": _kept('glob.match(concat("", [[input.text][i - i], "*"]), [], "a")'),
    "long Base64": _kept('base64.is_valid([input.text][i - i])'),
    "ranges kept": _kept("numbers.range(i, 100000)"),
    "arrays kept": _kept("array.concat([input.many][i - i], [i])"),
    "arrays turned": _kept("array.reverse([input.many][i - i])"),
    "arrays sorted": _kept("sort([input.many][i - i])"),
    "the largest of many": _kept("max([input.many][i - i])"),
    "the sum of many": _kept("sum([input.many][i - i])"),
    "sets of many": _kept("{1} | {y | some y in [input.many][i - i]}"),
    "objects united": _kept("object.union([input.object][i - i], {sprintf(\"%d\", [i]): 1})"),
    "keys of an object": _kept("object.keys([input.object][i - i])"),
    "JSON read": _kept("json.unmarshal([input.json][i - i])"),
    "JSON looked at": _kept("json.is_valid([input.json][i - i])"),
    "JSON written": _kept("json.marshal([input.many][i - i])"),
    "JSON without a part": _kept('json.remove({"object": [input.object][i - i]}, ["object/1"])'),
    "every one among all": "NAME := count([1 | some x in input.many; x in input.many])",
    "equal values compared": _kept("[input.many][i - i] == [input.again][i - i]"),
    "values in themselves compared": _doubled("[X, X]", "1").replace("NAME", "other_NAME")
    + _doubled("[X, X]", "1", "X == other_NAME").replace("NAME_0", "\nNAME_0", 1),
    "a value in itself, in a set": _doubled("[X, X]", "1", "{X}"),
    "a value in itself, in order": _doubled("[X, X]", "1", "sort([X, [X, 1]])"),
    "a value in itself, answered": _doubled("[X, X]", "1"),
    "a value in itself, as a key": _doubled('{"a": X, "b": X}', "1", "{X: 1}"),
    "values ordered": _kept("[input.many][i - i] < [input.again][i - i]"),
    "prefixes of all": "NAME := strings.any_prefix_match(input.texts, input.texts2)",
    "a part of a long array": "NAME := object.subset(input.zeros, array.concat(input.half, [1]))",
    "a set of many in an array": "NAME := object.subset(input.many, {y | some y in input.many})",
    "many sets of much": "NAME := intersection({x | some i in numbers.range(1, 999); x := {y | some y in input.many}})",
    "a pattern with all states": 'NAME := regex.match(concat("", ["(?s).*", input.pattern]), input.text)',
    "a short pattern with all states": 'NAME := regex.match(input.pattern, substring(input.text, 0, 8000))',
    "all matches": 'NAME := count(regex.find_n("a", input.text, -1))',
    "all groups": 'NAME := count(regex.find_all_string_submatch_n("(a)(a)?(b)?", input.text, -1))',
    "many patterns": _kept('regex.match(sprintf("^(a|b|%d){20}[a-z]{30}$", [i]), "abababab")'),
    "a glob of stars": 'NAME := glob.match("*a*a*a*a*a*a*a*a*a*a*a*a*b", [], input.text)',
    "positions of a long text": 'NAME := count(indexof_n(input.text, substring(input.text, 0, 500000)))',
    "paths of a full graph": "NAME := count(graph.reachable_paths(input.graph, [\"0\"]))",
    "a deep and wide value walked": "NAME := count([p | [p, _] := walk(input.deep)])",
    "a large value shown": _kept('sprintf("%v", [[input.many][i - i]])'),
    "a large number read": _kept('to_number(replace(substring([input.text][i - i], 0, 100000), "a", "1"))'),
    "a number shifted": "NAME := bits.lsh(1, 1000000000000)",
    "a query of many": _kept("urlquery.decode_object([input.query][i - i])"),
    "arrays made flat": _kept("array.flatten([[input.many][i - i], [input.many][i - i]])"),
    "many letters trimmed": _kept('trim([input.text][i - i], [input.letters][i - i])'),
}  # fmt: skip


def _deep(depth: int) -> Any:
    value: Any = list(range(100_000))
    for _ in range(depth):
        value = [value]
    return value


INPUT: Final[dict[str, Callable[[], Any]]] = {
    "text": lambda: "a" * 1_000_000,
    "many": lambda: [*range(100_000)],
    "again": lambda: [*range(100_000)],
    "zeros": lambda: [0] * 100_000,
    "half": lambda: [0] * 50_000,
    "object": lambda: {str(number): number for number in range(50_000)},
    "json": lambda: orjson.dumps({str(number): [number] for number in range(50_000)}).decode(),
    "texts": lambda: [f"a{number}" for number in range(50_000)],
    "texts2": lambda: [f"b{number}" for number in range(50_000)],
    "pattern": lambda: "|".join(f"[ab]*a[ab]{{{number}}}c" for number in range(1, 50)),
    "graph": lambda: {str(node): [str(other) for other in range(20)] for node in range(20)},
    "deep": lambda: _deep(800),
    "query": lambda: "&".join(f"a{number}=b" for number in range(9_000)),
    "letters": lambda: "".join(map(chr, range(0x4E00, 0x9000))) + "a",
}


pytestmark = pytest.mark.xdist_group("cost")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One policy with all rows: `agentgate/r0`, `agentgate/r1`, …; the input lies beside the plan."""
    folder = tmp_path_factory.mktemp("costly")
    (folder / "p").mkdir()
    rules = [rule.replace("NAME", f"r{number}") for number, rule in enumerate(ROWS.values())]
    (folder / "p/p.rego").write_text("package agentgate\n\ndecision := {}\n" + "\n".join(rules) + "\n")
    place = folder / "plan.json"
    place.write_bytes(orjson.dumps(plan_document(bundle.load(str(folder / "p"), grants=None))))
    for number, rule in enumerate(ROWS.values()):
        given = {name: make() for name, make in INPUT.items() if f"input.{name}" in rule or "(input," in rule}
        (folder / f"{number}.json").write_text(json.dumps(given))
    return place


@pytest.mark.parametrize("name", ROWS)
def test_no_builtin_holds_up_a_decision_or_fills_the_memory(plan: Path, name: str) -> None:
    number = list(ROWS).index(name)
    given = plan.parent / f"{number}.json"
    asked = [str(plan), str(given), f"agentgate/r{number}", str(SECONDS)]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tests.policy.costly", *asked], capture_output=True, check=True, timeout=60
    )
    found = orjson.loads(done.stdout)
    assert found["seconds"] < AT_MOST_SECONDS, found
    assert found["megabytes"] < AT_MOST_MEGABYTES, found
