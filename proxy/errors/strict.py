"""Strict reading: the meanings and what the sender can do stand in proxy/wire/rules.py; here is the operator's part."""

from collections.abc import Mapping
from typing import Final

from proxy.errors.entry import Entry, Family
from proxy.wire.rules import RULES, Rule

_SENDER: Final = "Nothing: the client must change. Report it to the author of its MCP library."

_OPERATOR: Final[Mapping[Rule, str]] = {
    Rule.TOO_LARGE: "Raise `limits.message_bytes`, if messages of that size are meant.",
    Rule.TOO_DEEP: "Raise `limits.depth`, if nesting of that depth is meant.",
    Rule.NUMBER_NOT_EXACT: "Nothing: tell the agent's author that this tool wants such numbers as text.",
    Rule.NOISE_HIDES_JSON: "Report it to the tool server's author: its log lines belong on stderr.",
    Rule.SSE_EVENT_TOO_LARGE: "Raise `limits.answer_bytes`, if events of that size are meant.",
    Rule.SSE_HIDDEN_LINE: "Report it to the tool server's author.",
    Rule.HEADER_PARAM: "Nothing, unless the tool's schema changed: then the client must list the tools again.",
    Rule.HOST_NOT_ALLOWED: "Add the name to `hosts.names`, if clients are to use it.",
    Rule.ORIGIN_NOT_ALLOWED: "Add the origin to `hosts.origins`, if its pages are trusted.",
}


def strict() -> tuple[Entry, ...]:
    """One entry for each rule; a number that is not exact refuses one call, every other rule the whole request."""
    return tuple(
        Entry(
            Family.STRICT,
            str(rule),
            row.meaning,
            row.remedy,
            _OPERATOR.get(rule, _SENDER),
            row.code,
            200 if rule is Rule.NUMBER_NOT_EXACT else row.status,
        )
        for rule, row in RULES.items()
    )
