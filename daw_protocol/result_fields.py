"""Kinds of value that only results have: lists, tables, nested records, and the server's own texts.

Requests have plain and musical kinds (fields.py, timeline_fields.py). Results are nested, and their texts come from
file systems and engines, so characters that cannot be sent are replaced, never refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daw_protocol.fields import Kind, Schema, shown
from daw_protocol.message import Message, message_schema
from daw_protocol.replies import Reply


@dataclass(frozen=True)
class AnyText(Kind):
    """Text of any length. Characters that JSON cannot carry (lone surrogates from file names) become "?"."""

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError(f"must be text, got {shown(value)}")
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")

    def schema(self) -> Schema:
        return {"type": "string"}

    def describe(self) -> str:
        return "text"


@dataclass(frozen=True)
class JsonObject(Kind):
    """A JSON object, passed on as stored."""

    what: str = "object"

    def read(self, value: Any) -> Mapping[str, object]:
        if not isinstance(value, Mapping):
            raise TypeError(f"must be an object, got {shown(value)}")
        return value

    def write(self, value: Any) -> Any:
        return dict(value)

    def schema(self) -> Schema:
        return {"type": "object"}

    def describe(self) -> str:
        return self.what


@dataclass(frozen=True)
class Nullable(Kind):
    """A value or null; a field of this kind is always present."""

    kind: Kind

    def read(self, value: Any) -> Any:
        return None if value is None else self.kind.read(value)

    def write(self, value: Any) -> Any:
        return None if value is None else self.kind.write(value)

    def schema(self) -> Schema:
        return {"anyOf": [self.kind.schema(), {"type": "null"}]}

    def describe(self) -> str:
        return f"{self.kind.describe()}, or null"


@dataclass(frozen=True)
class Record(Kind):
    """An object with the fields of a message."""

    message: type[Message]

    def read(self, value: Any) -> Message:
        if isinstance(value, self.message):
            return value
        if not isinstance(value, Mapping):
            raise TypeError(f"must be an object, got {shown(value)}")
        return self.message.from_stored(value)

    def write(self, value: Any) -> Any:
        return value.to_fields()

    def schema(self) -> Schema:
        return message_schema(self.message)

    def describe(self) -> str:
        return linked(self.message)


@dataclass(frozen=True)
class ListOf(Kind):
    """A list of values of one kind, as a tuple."""

    kind: Kind

    def read(self, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"must be a list, got {shown(value)}")
        return tuple(self.kind.read(entry) for entry in value)

    def write(self, value: Any) -> Any:
        return [self.kind.write(entry) for entry in value]

    def schema(self) -> Schema:
        return {"type": "array", "items": self.kind.schema()}

    def describe(self) -> str:
        return f"list, each: {self.kind.describe()}"


@dataclass(frozen=True)
class Row(Kind):
    """A short list with a kind for each position: `[bar, sample]`."""

    kinds: tuple[Kind, ...]

    def read(self, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)) or len(value) != len(self.kinds):
            raise TypeError(f"must be a list of {len(self.kinds)} values, got {shown(value)}")
        return tuple(kind.read(entry) for kind, entry in zip(self.kinds, value, strict=True))

    def write(self, value: Any) -> Any:
        return [kind.write(entry) for kind, entry in zip(self.kinds, value, strict=True)]

    def schema(self) -> Schema:
        return {
            "type": "array",
            "prefixItems": [kind.schema() for kind in self.kinds],
            "minItems": len(self.kinds),
            "maxItems": len(self.kinds),
        }

    def describe(self) -> str:
        return f"list of {len(self.kinds)} values"


@dataclass(frozen=True)
class TableOf(Kind):
    """An object whose names are data: values of one kind by name."""

    kind: Kind

    def read(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise TypeError(f"must be an object, got {shown(value)}")
        return {AnyText().read(name): self.kind.read(entry) for name, entry in value.items()}

    def write(self, value: Any) -> Any:
        return {name: self.kind.write(entry) for name, entry in value.items()}

    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": self.kind.schema()}

    def describe(self) -> str:
        return f"object of names, each: {self.kind.describe()}"


def title(message: type[Message]) -> str:
    """The title in docs/protocol.md of a message without a name on the wire: TakeRecord is "take record"."""
    return re.sub("(?<!^)(?=[A-Z])", " ", message.__name__).lower()


def linked(message: type[Message]) -> str:
    """A link to the message's section in docs/protocol.md."""
    if "name" in vars(message) and issubclass(message, Reply):
        return f"[`{message.name}`](#bridge{message.name}-notification-{message.name})"
    return f"[{title(message)}](#{title(message).replace(' ', '-')})"
