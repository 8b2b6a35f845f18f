"""The JSON Schema (draft 2020-12) of every request and reply, made from the types themselves."""

from __future__ import annotations

import dataclasses
from typing import Any

from daw_protocol.addresses import COMMANDS
from daw_protocol.message import Message, default_of, has_default
from daw_protocol.receipt import Receipt
from daw_protocol.replies import REPLIES

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def message_schema(message: type[Message]) -> dict[str, Any]:
    """The schema of one message's fields."""
    properties: dict[str, Any] = {}
    required = []
    for entry in dataclasses.fields(message):
        kind = entry.metadata["kind"]
        properties[entry.name] = {**kind.schema(), "description": entry.metadata["doc"]}
        if not has_default(entry):
            required.append(entry.name)
        elif default_of(entry) is not None:
            properties[entry.name]["default"] = kind.write(default_of(entry))
    found: dict[str, Any] = {
        "type": "object",
        "description": (message.__doc__ or "").strip(),
        "properties": properties,
        "additionalProperties": False,
    }
    if required:
        found["required"] = required
    return found


def whole_schema() -> dict[str, Any]:
    """All messages: `requests/NAME`, `replies/NAME` and `receipt` under $defs."""
    definitions: dict[str, Any] = {
        "requests": {command.name: message_schema(command.request) for command in COMMANDS},
        "replies": {reply.name: message_schema(reply) for reply in REPLIES},
        "receipt": message_schema(Receipt),
    }
    return {
        "$schema": DIALECT,
        "title": "Takebridge messages",
        "description": "params of the JSON-RPC methods and of the notifications that answer them",
        "$defs": definitions,
    }
