"""The few words that schemas are written in."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def object_of(required: str, /, **properties: Schema) -> Schema:
    """An object with these properties; ``required`` names those that are always there, blanks between."""
    return {"type": "object", "required": required.split(), "properties": properties}


def list_of(of: Schema) -> Schema:
    """An array of ``of``."""
    return {"type": "array", "items": of}


def or_null(schema: Schema) -> Schema:
    """``schema``, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def ref(name: str) -> Schema:
    """A schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
TIME: Schema = {"type": "string", "format": "date-time"}
FRACTION: Schema = {"type": "number", "minimum": 0, "maximum": 1}
