"""JSON Schemas of the input documents (version 1), built from the vocabulary; `policy/schemas` holds them as files.

`input.json` is for a policy as a whole: all that one of the three documents has. OPA's type checker reads these, so
that they say no more than it understands: what may be null is `anyOf`, since it compares values of a list of types
with no null.
"""

from collections.abc import Mapping
from typing import Any, Final, get_args

from policy.decision import VERSION
from policy.vocabulary import AuthnMethod, Direction, Isolation, Pinned, Transport

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "integer", "minimum": 0}
_ANY: Final[Schema] = {}
_OPEN: Final[Schema] = {"type": "object", "additionalProperties": True}


def schemas() -> Mapping[str, Schema]:
    """Each schema by the name of its file, without `.json`."""
    decision = _decision()
    listing = {"items": _list(_closed({"name": _TEXT, "definition": _listed_definition()}))}
    result = {"result": _ANY, "error": _ANY}
    return {
        "decision": _titled("agentgate/decision", decision),
        "listing": _titled("agentgate/listing", decision | listing),
        "result": _titled("agentgate/result", decision | result),
        "input": _titled("a policy: what any of its entry points is asked with", decision | listing | result, decision),
    }


def _titled(name: str, members: Schema, required: Schema | None = None) -> Schema:
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": f"Input of {name}, version {VERSION}"}
    return head | _closed(members, required)


def _decision() -> Schema:
    return {
        "version": {"type": "integer", "enum": [VERSION]},
        "caller": _caller(),
        "session": _session(),
        "call": _call(),
        "approval": _or_null(_OPEN),
        "sidecar": _closed({"id": _TEXT, "stale_seconds": _NUMBER, "isolation": _one_of(Isolation)}),
        "time": _closed({"rfc3339": _TEXT, "unix_ns": _NUMBER}),
    }


def _caller() -> Schema:
    return _closed(
        {
            "tenant": _TEXT,
            "agent": _TEXT,
            "workload": _or_null(_TEXT),
            "user": _or_null(_TEXT),
            "authn_method": _one_of(AuthnMethod),
        }
    )


def _session() -> Schema:
    recent = {"at": {"type": "number"}, "upstream": _TEXT, "method": _TEXT, "name": _or_null(_TEXT), "effect": _TEXT}
    return _closed(
        {
            "id": _or_null(_TEXT),
            "calls": _NUMBER,
            "denials": _NUMBER,
            "labels": _list(_TEXT),
            "recent": _list(_closed(recent)),
        }
    )


def _call() -> Schema:
    return _closed(
        {
            "direction": _one_of(Direction),
            "transport": _one_of(Transport),
            "era": _TEXT,
            "protocol_version": _or_null(_TEXT),
            "method": _TEXT,
            "upstream": _TEXT,
            "name": _or_null(_TEXT),
            "params": _ANY,
            "arguments": _ANY,
            "definition": _or_null(_closed(_definition())),
        }
    )


def _definition() -> Schema:
    return {"digest": _TEXT, "pinned": _one_of(Pinned), "annotations": _OPEN, "findings": _list(_TEXT)}


def _listed_definition() -> Schema:
    """No member is required: digest and findings are told only to a policy that reads them."""
    return _closed(_definition(), {})


def _closed(members: Schema, required: Schema | None = None) -> Schema:
    """An object of these members alone, all of them unless some are named."""
    needed = sorted(members if required is None else required)
    return {"type": "object", "additionalProperties": False, "required": needed, "properties": members}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _one_of(literal: Any) -> Schema:
    return {"type": "string", "enum": list(get_args(literal))}
