"""Section `changes`: a signed bundle is replaced ten times a second while calls are made; none fails, none is of a mix.

Each bundle has its version in two modules and in its data; where the three differ it denies, which counts as an error.
Not each bundle becomes active: sidecar and OPA look at the file now and then, and take what lies there.
"""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from benchmarks.exchange import TOOL
from benchmarks.load import Caller
from benchmarks.measure import Plan
from benchmarks.section import Section, Wrong
from benchmarks.sidecars import AGENTGATE, PATIENT, Kind, starter
from benchmarks.subjects import Stage
from benchmarks.verdict import Verdict, at_least, at_most
from policy.building import Wanted, build, signed

PER_SECOND: Final = 10
CONNECTIONS: Final = 4
SECONDS: Final = 10.0
KEY_ID: Final = "bench"
MIN_ACTIVE: Final = 5

_MODULES: Final = {
    "main.rego": """package agentgate

decision := {{"effect": "allow", "reason": "whole", "rules": [sprintf("v%d", [data.agentgate.left.version])]}} if {{
	data.agentgate.left.version == data.agentgate.right.version
	data.agentgate.right.version == data.stamp.version
	input.call.name == "{tool}"
}} else := {{"effect": "deny", "reason": "of_a_mix"}}

listing := {{"hide": []}}
""",
    "left.rego": "package agentgate.left\n\nversion := {version}\n",
    "right.rego": "package agentgate.right\n\nversion := {version}\n",
    "stamp/data.json": '{{"version": {version}}}\n',
}


def run(stage: Stage, plan: Plan) -> Section:
    """For each engine: calls, what went wrong, and how many of the bundles decided one of them."""
    seconds = SECONDS if plan.thorough else 2.0
    wrong, lines, targets = Wrong(), list[tuple[str | float, ...]](), list[Verdict]()
    folder = stage.new_folder()
    key = generate_private_key(SECP256R1())
    (folder / "key.pem").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    for first, engine in ((1, "embedded"), (10_000, "opa")):
        bundle = folder / f"{engine}.tar.gz"
        offered = _bundles(folder, key, first, int(seconds * PER_SECOND) + 1)
        bundle.write_bytes(offered[0])
        config = f'{PATIENT}[policy.keys]\n{KEY_ID} = "{folder / "key.pem"}"\n'
        with starter(Kind(str(bundle), "process", fed=engine == "opa", grants=(), config=config))(stage) as subject:
            caller = Caller(subject.target)
            caller.closed_loop(CONNECTIONS, seconds=0.5)
            with _offering(bundle, offered[1:]):
                load = caller.closed_loop(CONNECTIONS, seconds=seconds)
            active = _active(stage)
        wrong.unless(right=load.errors == 0, met=load.sample)
        lines.append(
            (engine, f"{len(offered) - 1}", f"{load.calls:,}", f"{load.errors}", f"{active}", load.milliseconds(0.99))
        )
        targets.append(at_most(f"bundles changing, {engine}: calls failed or decided by a mix", load.errors, 0))
        targets.append(at_least(f"bundles changing, {engine}: of them active", active, MIN_ACTIVE))
    columns = ("engine", "bundles offered", "calls", "failed or mixed", "bundles that decided", "p99 ms")
    return Section("Changing bundles", columns, tuple(lines), tuple(targets), wrong.errors, wrong.sample)


def _bundles(folder: Path, key: EllipticCurvePrivateKey, first: int, count: int) -> list[bytes]:
    source = folder / "source"
    made = []
    for version in range(first, first + count):
        for name, text in _MODULES.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text(text.format(version=version, tool=TOOL))
        bundle = build(source, Wanted(built_by="benchmarks", version=version)).bundle
        made.append(signed(bundle, key, "ES256", KEY_ID))
    return made


@contextmanager
def _offering(place: Path, bundles: list[bytes]) -> Iterator[None]:
    """Put one bundle after the other in its place, each whole and at once, for the length of the block."""
    ended = threading.Event()

    def offer() -> None:
        for bundle in bundles:
            if ended.wait(1 / PER_SECOND):
                return
            draft = place.with_suffix(".new")
            draft.write_bytes(bundle)
            draft.replace(place)

    thread = threading.Thread(target=offer)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _active(stage: Stage) -> int:
    """How many policies decided a call of the newest evidence."""
    evidence = max(stage.folder.glob("*/evidence"), key=lambda path: path.stat().st_mtime)
    command = [str(AGENTGATE), "records", str(evidence), "--json"]
    found = set()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ}) as records:  # noqa: TID251
        for line in records.stdout or ():
            body = json.loads(line)["body"]
            if "decision" in body and body["decision"] is not None:
                found.add(body["decision"]["versions"]["policy"])
    return len(found)
