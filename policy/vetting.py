"""What is looked at before a policy becomes active, for whichever engine.

Steps, each of which only adds problems:

1. every function that is called is the policy's own or a builtin of the engine;
2. no builtin reads a clock, chance, the network, the runtime or a trace: decisions must be replayable;
3. every name that is read is defined;
4. the entry points are there;
5. for the embedded engine only: no builtin that it does not have, no function that its compiler is known to get
   wrong;
6. a table of inputs, of every kind that the path asks about, gets answers that are well formed or undefined.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson

from policy.decision import Undecided, hidden, read_decision
from policy.engine import UNDEFINED, Answer, CannotDecide, EntryPoint, Policy
from policy.methods import CLIENT_METHODS, LIST_ITEMS, Treatment
from policy.plan import Plan
from policy.program.builtins import BUILTINS

Evaluate = Callable[[EntryPoint, bytes], Any]

FORBIDDEN: Final = frozenset(
    {
        *("http.send", "io.jwt.decode_verify", "io.jwt.encode_sign", "io.jwt.encode_sign_raw", "net.lookup_ip_addr"),
        *("opa.runtime", "rand.intn", "time.now_ns", "uuid.rfc4122", "trace", "print", "internal.print"),
        *("rego.parse_module", "providers.aws.sign_req", "json.match_schema", "json.verify_schema"),
    }
)
"""Builtins whose answer depends on more than the input and the data, or that write where they should not."""

_SHOWN: Final = {"internal.print": "print"}


def plan_problems(plan: Plan) -> tuple[str, ...]:
    """Steps 1 to 5 over the compiled policy; one line for each problem."""
    problems = [*_call_problems(plan), *_hidden_builtins(plan)]
    problems += [f"{where}: reads a name that nothing defines" for where in plan.undefined]
    if EntryPoint.DECISION.value not in plan.rules:
        problems.append("package agentgate: no rule `decision`")
    problems += [
        f"{call.where()}: the embedded engine has no {call.function}; use the opa engine"
        for call in plan.calls
        if call.function in plan.builtins and call.function not in BUILTINS.keys() | FORBIDDEN
    ]
    problems += [
        f"{where}: the embedded engine loses an argument of this function inside a comprehension; "
        "use object.get there, or the opa engine"
        for where in plan.lost
    ]
    problems += [
        f"{where}: rules are read by a name that is known only when they run, which the embedded engine cannot do; "
        "name them, or use the opa engine"
        for where in plan.dynamic
    ]
    return tuple(dict.fromkeys(problems))


def smoke_problems(policy: Policy, evaluate: Evaluate) -> tuple[str, ...]:
    """Step 6; `evaluate` gives the value of an entry point, or UNDEFINED, and raises CannotDecide."""
    found: dict[str, str] = {}
    for name, problem in [*_decision_problems(policy, evaluate), *_listing_problems(policy, evaluate)]:
        found.setdefault(problem, name)
    return tuple(f"{problem} (seen for {name})" for problem, name in found.items())


def smoke_inputs() -> Iterator[tuple[str, EntryPoint, bytes]]:
    """The table of step 6: a name, the entry point, and the document."""
    for method, treatment in CLIENT_METHODS.items():
        if treatment is Treatment.DECIDE:
            for shape, params in _PARAMS.items():
                yield f"{method} with {shape}", EntryPoint.DECISION, _document(method, params)
    yield "an unknown method", EntryPoint.DECISION, _document("agentgate/unknown", None)
    for method in LIST_ITEMS:
        yield method, EntryPoint.LISTING, _document(method, None, items=_ITEMS)


def _call_problems(plan: Plan) -> Iterator[str]:
    for call in plan.calls:
        if call.function in FORBIDDEN:
            shown = _SHOWN.get(call.function, call.function)
            yield f"{call.where()}: {shown} is not allowed: a decision must be replayable from its input and data"
        elif call.function not in plan.own and call.function not in plan.builtins:
            yield f"{call.where()}: unknown function {call.function}"


def _hidden_builtins(plan: Plan) -> Iterator[str]:
    called = {call.function for call in plan.calls}
    for name in sorted(plan.builtins & FORBIDDEN - called):
        yield f"{_SHOWN.get(name, name)} is not allowed: a decision must be replayable from its input and data"


def _decision_problems(policy: Policy, evaluate: Evaluate) -> Iterator[tuple[str, str]]:
    for name, entry, document in smoke_inputs():
        if entry is not EntryPoint.DECISION:
            continue
        try:
            read_decision(Answer(evaluate(entry, document), policy), engine="vetting", decision_id="")
        except Undecided:
            continue
        except CannotDecide as error:
            yield name, f"agentgate/decision: {error.what}"


def _listing_problems(policy: Policy, evaluate: Evaluate) -> Iterator[tuple[str, str]]:
    for name, entry, document in smoke_inputs():
        if entry is not EntryPoint.LISTING:
            continue
        try:
            value = evaluate(entry, document)
        except CannotDecide as error:
            yield name, f"agentgate/listing: {error.what}"
            continue
        names = hidden(Answer(value, policy))
        if names is None and value is not UNDEFINED:
            yield name, 'agentgate/listing: not exactly {"hide": [name...]}'
        elif policy.hides_nothing and names != frozenset():
            yield name, "agentgate/listing: hides something, although it looks constant"


_PARAMS: Final[dict[str, Any]] = {
    "no params": None,
    "arguments": {"name": "smoke", "arguments": {"text": "smoke", "path": "/smoke", "amount": 1, "flag": True}},
    "a uri": {"uri": "file:///smoke"},
}
_ITEMS: Final = [
    {
        "name": "smoke",
        "definition": {"digest": "sha256:" + "0" * 64, "pinned": "unpinned", "annotations": {}, "findings": []},
    },
    {"name": "file:///smoke/{name}", "definition": {}},
]


def _document(method: str, params: dict[str, Any] | None, items: Any = None) -> bytes:
    given = params or {}
    document: dict[str, Any] = {
        "version": 1,
        "caller": {"tenant": "smoke", "agent": "smoke", "workload": None, "user": None, "authn_method": "static"},
        "session": {"id": None, "calls": 0, "denials": 0, "labels": [], "recent": []},
        "call": {
            "direction": "client",
            "transport": "http",
            "era": "2025-11-25",
            "protocol_version": None,
            "method": method,
            "upstream": "smoke",
            "name": given.get("name", given.get("uri")),
            "params": params,
            "arguments": given.get("arguments"),
            "definition": None,
        },
        "approval": None,
        "sidecar": {"id": "smoke", "stale_seconds": 0, "isolation": "none"},
        "time": {"rfc3339": "2026-01-01T00:00:00.000000+00:00", "unix_ns": 1767225600000000000},
    }
    if items is not None:
        document["items"] = items
    return orjson.dumps(document)
