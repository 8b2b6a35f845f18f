"""The JSON Schema (draft 2020-12) of every request, result and reply, generated from their types."""

from __future__ import annotations

from daw_protocol.addresses import BY_REQUEST, COMMANDS, Command
from daw_protocol.fields import Schema
from daw_protocol.message import message_schema
from daw_protocol.receipt import Receipt
from daw_protocol.replies import REPLIES, Reply
from daw_protocol.requests import Request

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def whole_schema() -> Schema:
    """All messages: `requests/NAME`, `results/NAME`, `replies/NAME` and `receipt` under $defs."""
    definitions: Schema = {
        "requests": {command.name: message_schema(command.request) for command in COMMANDS},
        "results": {command.name: result_schema(command) for command in COMMANDS},
        "replies": {reply.name: message_schema(reply) for reply in REPLIES},
        "receipt": message_schema(Receipt),
    }
    return {
        "$schema": DIALECT,
        "title": "Takebridge messages",
        "description": "params and results of the JSON-RPC methods, and params of the notifications that follow",
        "$defs": definitions,
    }


def result_schema(command: Command) -> Schema:
    """The schema of what a command returns; where that is a request or reply, a reference to it."""
    result = command.result
    if issubclass(result, Request):
        return {"$ref": f"#/$defs/requests/{BY_REQUEST[result].name}"}
    if issubclass(result, Reply) and result in REPLIES:
        return {"$ref": f"#/$defs/replies/{result.name}"}
    return message_schema(result)
