"""A message as a value: named, documented fields, validated when the message is built.

Requests, replies, results, recipes and receipts all have this shape, so one small piece of code reads, writes and
describes them (schema.py, document.py).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from daw_protocol.errors import ErrorCode, ProtocolError, readable
from daw_protocol.fields import Kind, Schema, check_unicode
from daw_protocol.spelling import nearest
from daw_protocol.unreadable import Unreadable

_REQUIRED: Any = dataclasses.MISSING

MAX_ERROR_TEXT = 400  # characters


def value(kind: Kind, doc: str, default: Any = _REQUIRED) -> Any:
    """A field of a message: its kind, one line of documentation, and its default (without one it is required)."""
    metadata = {"kind": kind, "doc": doc}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=dict, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Message:
    """Base of all messages. Raises ProtocolError, naming the field, for a wrong value.

    writes_defaults: whether `to_fields` also writes values at their default (None is always omitted).
    """

    writes_defaults: ClassVar[bool] = False

    def __post_init__(self) -> None:
        given = vars(self)
        for entry in entries(type(self)).values():
            if given[entry.name] is not entry.default:  # which is valid as it is (test_message.py)
                object.__setattr__(self, entry.name, read_field(entry, given[entry.name]))
        self.check()

    def check(self) -> None:
        """Rules across several fields; each single field is valid by now."""

    def evolve(self, **changes: Any) -> Self:
        """The message with other values in some fields; only these are read. Raises ProtocolError.

        A request changes six times on its way to a job. `dataclasses.replace` would check all of its fields each time,
        which was a quarter of the time until its acknowledgement.
        """
        known = entries(type(self))
        changed = object.__new__(type(self))
        vars(changed).update(vars(self))
        vars(changed).update({name: read_field(known[name], given) for name, given in changes.items()})
        changed.check()
        return changed

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The message with these values, as read from the wire. Raises ProtocolError."""
        known = entries(cls)
        for name in fields:
            if name not in known:
                raise unknown_field(name, known)
        for name, entry in known.items():
            if name not in fields and not has_default(entry):
                raise ProtocolError(
                    ErrorCode.MISSING_FIELD,
                    f"{name} is missing.",
                    f"Send {name} as well: {entry.metadata['doc']}.",
                    name,
                )
        return cls(**fields)

    @classmethod
    def from_stored(cls, fields: Mapping[str, Any]) -> Self:
        """As `from_fields`, for a record that another version may have written.

        Ignores fields unknown to this version; null counts as missing if there is a default.
        """
        known = entries(cls)
        kept = {
            name: given
            for name, given in fields.items()
            if name in known and not (given is None and has_default(known[name]))
        }
        return cls.from_fields(kept)

    def to_fields(self) -> dict[str, Any]:
        """The JSON form, without fields at their default; `from_fields(to_fields())` is equal to the message."""
        found = {}
        for entry in entries(type(self)).values():
            given = getattr(self, entry.name)
            if has_default(entry) and (
                given is None or (not self.writes_defaults and given == default_of(entry))
            ):
                continue
            found[entry.name] = entry.metadata["kind"].write(given)
        return found


_ENTRIES: dict[type, Mapping[str, dataclasses.Field[Any]]] = {}


def entries(message: type[Message]) -> Mapping[str, dataclasses.Field[Any]]:
    """The fields of a message by name; cached, because `dataclasses.fields` collects them on every call."""
    found = _ENTRIES.get(message)
    if found is None:
        found = _ENTRIES[message] = {entry.name: entry for entry in dataclasses.fields(message)}
    return found


def read_field(entry: dataclasses.Field[Any], given: Any) -> Any:
    """The checked value of a field; None where that is the default. Raises ProtocolError."""
    if given is None and entry.default is None:
        return None
    return read_value(entry.name, entry.metadata["kind"], given)


def read_value(name: str, kind: Kind, given: Any) -> Any:
    """The checked value, or a ProtocolError that names the field."""
    if isinstance(given, Unreadable):
        raise ProtocolError(ErrorCode.WRONG_TYPE, f"{name}: cannot be {given}.", accepts(kind), name)
    if isinstance(given, str):
        try:
            check_unicode(given)
        except ValueError as error:
            remedy = "Send it as UTF-8; a file whose name is not UTF-8 is found with ? for each such byte."
            raise ProtocolError(ErrorCode.OUT_OF_RANGE, f"{name}: {brief(error)}.", remedy, name) from error
    try:
        return kind.read(given)
    except TypeError as error:
        raise ProtocolError(ErrorCode.WRONG_TYPE, f"{name}: {brief(error)}.", accepts(kind), name) from error
    except (ValueError, OverflowError) as error:
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE, f"{name}: {brief(error)}.", accepts(kind), name
        ) from error
    except RecursionError as error:  # deeply nested lists, which the error text would quote
        raise ProtocolError(
            ErrorCode.WRONG_TYPE, f"{name}: is nested too deeply.", accepts(kind), name
        ) from error


def brief(error: Exception) -> str:
    """The error's text, cut short where it quotes a very long value."""
    text = str(error)
    return text if len(text) <= MAX_ERROR_TEXT else text[: MAX_ERROR_TEXT - 3] + "..."


def accepts(kind: Kind) -> str:
    described = kind.describe()
    first = described.split()[0].rstrip(",:")
    article = "" if first in ("text", "true", "one", "names") else "an " if first == "object" else "a "
    return f"It takes {article}{described}.".replace("`", "").replace("\\|", "|")


def has_default(entry: dataclasses.Field[Any]) -> bool:
    return entry.default is not dataclasses.MISSING or entry.default_factory is not dataclasses.MISSING


def default_of(entry: dataclasses.Field[Any]) -> Any:
    if entry.default_factory is not dataclasses.MISSING:
        return entry.default_factory()
    return entry.default


def unknown_field(name: object, known: Collection[str]) -> ProtocolError:
    given = str(name)[:60]
    close = nearest(given, tuple(known))
    remedy = f"Did you mean {close}?" if close else f"Available: {', '.join(sorted(known))}."
    return ProtocolError(
        ErrorCode.UNKNOWN_FIELD, f"There is no value called {readable(given)!r} here.", remedy, given
    )


def message_schema(message: type[Message]) -> Schema:
    """The JSON Schema of one message's fields."""
    properties: Schema = {}
    required = []
    for entry in dataclasses.fields(message):
        kind = entry.metadata["kind"]
        properties[entry.name] = {**kind.schema(), "description": entry.metadata["doc"]}
        if not has_default(entry):
            required.append(entry.name)
        elif default_of(entry) is not None:
            properties[entry.name]["default"] = kind.write(default_of(entry))
    found: Schema = {
        "type": "object",
        "description": (message.__doc__ or "").strip(),
        "properties": properties,
        "additionalProperties": False,
    }
    if required:
        found["required"] = required
    return found
