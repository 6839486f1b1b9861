"""The forms and the input schema that the conformance suite looks at, keyword by keyword."""

from typing import Any, Final

from pydantic import BaseModel, Field, JsonValue

STATES = ["active", "inactive", "pending"]


def _titled(**titles: str) -> list[JsonValue]:
    return [{"const": const, "title": title} for const, title in titles.items()]


class Defaults(BaseModel):
    """A default for each primitive type."""

    name: str = Field(default="John Doe", description="User name")
    age: int = Field(default=30, description="User age")
    score: float = Field(default=95.5, description="User score")
    status: str = Field(default="active", description="User status", json_schema_extra={"enum": [*STATES]})
    verified: bool = Field(default=True, description="Verification status")


class Enums(BaseModel):
    """Each way to write an enumeration."""

    untitledSingle: str = Field(json_schema_extra={"enum": [*STATES]})
    titledSingle: str = Field(
        json_schema_extra={"oneOf": _titled(low="Low Priority", medium="Medium Priority", high="High Priority")}
    )
    untitledMulti: list[str] = Field(
        json_schema_extra={"items": {"type": "string", "enum": ["read", "write", "execute"]}}
    )
    titledMulti: list[str] = Field(
        json_schema_extra={"items": {"anyOf": _titled(feature="New Feature", bug="Bug Fix", docs="Documentation")}}
    )
    legacyEnum: str = Field(
        json_schema_extra={
            "enum": ["small", "medium", "large"],
            "enumNames": ["Small Size", "Medium Size", "Large Size"],
        }
    )


SCHEMA_2020_12: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
