"""Calls whose explanations are known: what is decided, which body fired or came closest, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import structs

from policy.grants import Grant
from policy.vocabulary import Call, Definition
from tests.policy.asking import CALLER, call, read_only, tool_call


@dataclass(frozen=True, slots=True)
class Row:
    """`says` is `effect:reason`, or the code of a failure; `body` is that of the body which has a cause `words`.

    `status` is that body's. `source` is a policy of one's own, else the starter is asked with `grants`.
    """

    asked: Call
    says: str
    body: str
    words: str
    status: str = "failed"
    distance: int | None = None
    at_most: bool = False
    source: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


GRANTS: Final = (
    Grant("u", "tools/call", "echo", agent="billing"),
    Grant("u", "tools/call", "read", arguments={"path": {"under": ["/srv/"]}}),
    Grant("u", "tools/call", "pay", arguments={"amount": {"max": 100, "min": 0}}),
    Grant("u", "tools/call", "pay", effect="require_approval", arguments={"amount": {"max": 1000, "min": 0}}),
    Grant("u", "tools/call", "query", arguments={"sql": {"sql": ["select"]}}, closed=True),
    Grant("u", "tools/call", "pick", arguments={"colour": {"one_of": ["red", 1]}}),
    Grant("u", "tools/call", "fetch", arguments={"url": {"prefix": ["https://a.example/"]}}),
    Grant("u", "tools/call", "fs_*"),
    Grant("u", "tools/call", "fs_delete", effect="deny"),
)
STRANGER: Final = structs.replace(CALLER, agent="support")
_OWN: Final = """package agentgate

listing := {"hide": []}

"""
_DENY: Final = 'default decision := {"effect": "deny", "reason": "no"}\n\n'
_ALLOW: Final = 'decision := {"effect": "allow", "reason": "yes"} if {\n'


def _own(body: str, *more: str) -> str:
    return _OWN + _DENY + _ALLOW + f"\t{body}\n}}\n" + "".join(f"\n{each}\n" for each in more)


_ARGUMENTS: Final = tool_call("t", {"n": 7, "xs": [1, 9], "ys": [], "s": "abc"})

ROWS: Final[Mapping[str, Row]] = {
    "a path elsewhere": Row(
        tool_call("read", {"path": "/etc/x"}),
        "deny:argument_refused",
        "allow:granted",
        'input.call.arguments.path is "/etc/x"; grant:947a15d47c72 allows only paths under "/srv"',
        distance=1,
    ),
    "a path that climbs": Row(
        tool_call("read", {"path": "/srv/../x"}),
        "deny:argument_refused",
        "allow:granted",
        'input.call.arguments.path is "/srv/../x"; grant:947a15d47c72 allows only paths under "/srv"',
    ),
    "too high an amount": Row(
        tool_call("pay", {"amount": 2500}),
        "deny:argument_refused",
        "allow:granted",
        "input.call.arguments.amount is 2500; grant:85df203602b7 allows at most 100",
        distance=1,
    ),
    "too high an amount for approval as well": Row(
        tool_call("pay", {"amount": 2500}),
        "deny:argument_refused",
        "require_approval:approval_required",
        "input.call.arguments.amount is 2500; grant:80d6ea3cab8e allows at most 1000",
        distance=1,
    ),
    "an amount below none": Row(
        tool_call("pay", {"amount": -1}),
        "deny:argument_refused",
        "allow:granted",
        "input.call.arguments.amount is -1; grant:85df203602b7 allows no less than 0",
    ),
    "an amount that needs an approval": Row(
        tool_call("pay", {"amount": 250}),
        "require_approval:approval_required",
        "allow:granted",
        "input.call.arguments.amount is 250; grant:85df203602b7 allows at most 100",
        distance=1,
    ),
    "an approval that is not there": Row(
        tool_call("pay", {"amount": 250}),
        "require_approval:approval_required",
        "allow:approved",
        'input.approval is null and has no "id"',
        distance=1,
    ),
    "a missing argument": Row(
        tool_call("read", {"other": 1}),
        "deny:argument_refused",
        "allow:granted",
        'input.call.arguments.path is not there; grant:947a15d47c72 demands it: it allows only paths under "/srv"',
    ),
    "no arguments at all": Row(
        tool_call("read", {}),
        "deny:argument_refused",
        "allow:granted",
        'input.call.arguments.path is not there; grant:947a15d47c72 demands it: it allows only paths under "/srv"',
    ),
    "another statement": Row(
        tool_call("query", {"sql": "drop table x"}),
        "deny:argument_refused",
        "allow:granted",
        'input.call.arguments.sql is "drop table x"; grant:31872500728e allows only one statement',
    ),
    "an argument that a closed grant does not name": Row(
        tool_call("query", {"sql": "select 1", "x": 1}),
        "deny:argument_refused",
        "allow:granted",
        "input.call.arguments.x is given; grant:31872500728e is closed and does not name it",
    ),
    "another value": Row(
        tool_call("pick", {"colour": "blue"}),
        "deny:argument_refused",
        "allow:granted",
        'input.call.arguments.colour is "blue"; grant:f1fc2fd411fc allows only "red", 1',
    ),
    "another address": Row(
        tool_call("fetch", {"url": "https://b.example/"}),
        "deny:argument_refused",
        "allow:granted",
        'allows only what begins with "https://a.example/"',
    ),
    "another agent": Row(
        tool_call("echo", {}, caller=STRANGER),
        "deny:not_granted",
        "allow:granted",
        'the name does not begin with "fs_", as grant:ab6437fb4ebe is about',
    ),
    "a name beside a prefix": Row(
        tool_call("gs_list", {}),
        "deny:not_granted",
        "allow:granted",
        'the name does not begin with "fs_", as grant:ab6437fb4ebe is about',
    ),
    "denied by an operator over an allowance": Row(
        tool_call("fs_delete", {}),
        "deny:denied_by_operator",
        "allow:granted",
        "grant:ab6437fb4ebe is about this call, and says allow",
        status="overruled",
    ),
    "what an operator denied": Row(
        tool_call("fs_delete", {}),
        "deny:denied_by_operator",
        "deny:denied_by_operator",
        "grant:cb5bb1036911 is about this call, and says deny",
        status="fired",
    ),
    "what an operator granted": Row(
        tool_call("echo", {}),
        "allow:granted",
        "allow:granted",
        "grant:e2d6f1e7a856 is about this call, and says allow",
        status="fired",
    ),
    "a changed definition": Row(
        tool_call("echo", {}, definition=Definition("d", {}, "changed")),
        "deny:definition_changed",
        "deny:definition_changed",
        'input.call.definition.pinned is "changed"',
        status="fired",
    ),
    "a definition that would have to have changed": Row(
        tool_call("echo", {}, definition=Definition("d", {})),
        "allow:granted",
        "deny:definition_changed",
        'input.call.definition.pinned is "unpinned", not "changed"',
    ),
    "an unknown method": Row(
        call("foo/bar"),
        "deny:method_unknown",
        "deny:method_unknown",
        'data.agentgate.methods.known has no "foo/bar" (input.call.method)',
        status="fired",
    ),
    "an upstream that is not trusted": Row(
        tool_call("look", {}, definition=read_only()),
        "deny:not_granted",
        "allow:read_only_trusted",
        'data.agentgate.trusted_upstreams has no "u" (input.call.upstream)',
    ),
    "the default of a rule": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        'input.call.name is "t", not "x"',
        source=_own('input.call.name == "x"'),
        distance=1,
    ),
    "two conditions, the first of which fails": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        "input.call.arguments.n is 7, which is not below 3",
        source=_own('input.call.arguments.n < 3\n\tinput.call.name == "x"'),
        distance=2,
    ),
    "what stands behind is looked at": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        "input.call.arguments.n is 7, which is not below 3",
        source=_own('input.call.arguments.n < 3\n\tinput.call.name == "t"\n\tinput.call.arguments.s == "z"'),
        distance=2,
    ),
    "a rule behind is looked at": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        "input.call.arguments.n is 7, which is not below 3",
        source=_own("input.call.arguments.n < 3\n\tfits\n\tnot bad", 'fits if input.call.name == "t"', "bad if false"),
        distance=1,
    ),
    "two values are missing": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        "input.call.arguments.a is not there",
        source=_own("input.call.arguments.a == 1\n\tinput.call.arguments.b == 2"),
        distance=2,
    ),
    "two values of one condition are missing": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        "input.call.arguments.a is not there",
        source=_own("input.call.arguments.a == input.call.arguments.b"),
        distance=1,
    ),
    "what a missing value holds is not known": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        "input.call.arguments.a is not there",
        source=_own("x := input.call.arguments.a\n\tx.one == 1\n\tx.two == 2"),
        distance=2,
        at_most=True,
    ),
    "each turn of a loop is left early": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        "input.call.arguments.xs[0] is 1, which is not above 10",
        source=_own("some x in input.call.arguments.xs\n\tx > 10\n\tx < 20"),
        distance=2,
        at_most=True,
    ),
    "a rule in whose way stands more than one": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        "input.call.arguments.n is 7, which is not below 3",
        source=_own("fits", 'fits if {\n\tinput.call.arguments.n < 3\n\tinput.call.name == "t"\n}'),
        distance=2,
        at_most=True,
    ),
    "a chain of else": Row(
        _ARGUMENTS,
        "deny:b",
        "allow:a",
        "input.call.arguments.n is 7, which is not above 10",
        source=_OWN + 'decision := {"effect": "allow", "reason": "a"} if {\n\tinput.call.arguments.n > 10\n'
        '} else := {"effect": "deny", "reason": "b"} if {\n\tinput.call.arguments.n > 5\n'
        '} else := {"effect": "deny", "reason": "c"}\n',
    ),
    "a partial set without members": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        "input.call.arguments.xs[1] is 9, which is not below 0",
        source=_own("count(small) > 0", "small contains x if {\n\tsome x in input.call.arguments.xs\n\tx < 0\n}"),
    ),
    "a function": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        'startswith(input.call.arguments.s, "z") is not true',
        source=_own("fits(input.call.arguments.s)", 'fits(text) if startswith(text, "z")'),
    ),
    "a not": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        "input.call.arguments.n is 7, which is above 5",
        source=_own("not much", "much if input.call.arguments.n > 5"),
    ),
    "an every": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        "input.call.arguments.xs[1] is 9, which is not below 5",
        source=_own("every x in input.call.arguments.xs { x < 5 }"),
        distance=1,
    ),
    "a comprehension that is empty": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        "input.call.arguments.xs[0] is 1, which is not above 20",
        source=_own("count(large) > 0", "large := [x | some x in input.call.arguments.xs; x > 20]"),
    ),
    "a loop over nothing": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        "input.call.arguments.ys is empty",
        source=_own("some y in input.call.arguments.ys\n\ty > 1"),
    ),
    "a reference that is not there": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        "input.call.arguments.absent is not there",
        source=_own("input.call.arguments.absent == 1"),
        distance=1,
    ),
    "a builtin without a value": Row(
        _ARGUMENTS,
        "deny:no",
        "allow:yes",
        "to_number(input.call.arguments.s) has no value",
        source=_own("to_number(input.call.arguments.s) == 1"),
    ),
    "an obligation": Row(
        _ARGUMENTS,
        "allow:yes",
        "allow:yes",
        'input.call.name is "t"',
        status="fired",
        source=_OWN + 'decision := {"effect": "allow", "reason": "yes", "obligations": {"record": "digest"}} if '
        'input.call.name == "t"\n',
    ),
    "no decision": Row(
        _ARGUMENTS,
        "policy_undefined",
        "allow:yes",
        'input.call.name is "t", not "x"',
        source=_OWN + _ALLOW + '\tinput.call.name == "x"\n}\n',
    ),
    "an effect from another rule": Row(
        _ARGUMENTS,
        "deny:r",
        "allow:None",
        "input.call.arguments.n is 7, which is not below 5",
        source=_OWN + 'decision := {"effect": effect, "reason": "r"}\n\ndefault effect := "deny"\n\n'
        'effect := "allow" if input.call.arguments.n < 5\n',
    ),
    "a denial that a set gives": Row(
        _ARGUMENTS,
        "deny:d",
        "deny:d",
        "input.call.arguments.n is 7, which is above 5",
        status="fired",
        source=_OWN + 'decision := {"effect": "deny", "reason": "d"} if {\n\tcount(denials) > 0\n'
        '} else := {"effect": "allow", "reason": "a"}\n\n'
        'denials contains "much" if input.call.arguments.n > 5\n',
    ),
    "a condition that is false itself": Row(
        tool_call("t", {"flag": False}),
        "deny:no",
        "allow:yes",
        "input.call.arguments.flag is false",
        source=_own("input.call.arguments.flag"),
        distance=1,
    ),
}
