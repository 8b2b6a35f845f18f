"""JSON-RPC 2.0 (jsonrpc.org/specification), over WebSocket and HTTP: calls in; results, errors, notifications out.

Pure: text and values only. A batch gets a batch of answers; a call without an id gets none.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from daw_protocol.addresses import BY_NAME, Command
from daw_protocol.errors import ErrorCode, ProtocolError, unicode_only
from daw_protocol.fields import shown
from daw_protocol.json_text import WrittenNumber, json_reason, json_value
from daw_protocol.message import unknown_field
from daw_protocol.replies import Reply
from daw_protocol.requests import Request

MAX_BATCH = 64
MAX_TEXT = (
    2**20
)  # characters of a frame: a tempo map of 10,000 points has 400,000; parsing this takes some 20 ms
MAX_ID = 1000  # characters
MAX_CLIENT = 64  # characters

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
# The specification reserves -32000 to -32099 for applications; our own code travels in the error's data.
BRIDGE_ERROR = -32000

RPC_CODES = {
    ErrorCode.BAD_MESSAGE: INVALID_REQUEST,
    ErrorCode.UNKNOWN_COMMAND: METHOD_NOT_FOUND,
    ErrorCode.UNKNOWN_FIELD: INVALID_PARAMS,
    ErrorCode.MISSING_FIELD: INVALID_PARAMS,
    ErrorCode.WRONG_TYPE: INVALID_PARAMS,
    ErrorCode.OUT_OF_RANGE: INVALID_PARAMS,
    ErrorCode.INTERNAL: INTERNAL_ERROR,
}

CallId = str | int | float | None


@dataclass(frozen=True)
class Call:
    """One call as received; for a notification `id` is None and `wants_answer` False.

    client: whose context it uses, where the transport does not identify the client (the mailbox); not part of
    JSON-RPC.
    """

    method: str
    params: dict[str, Any]
    id: CallId = None
    wants_answer: bool = True
    client: str = ""


@dataclass(frozen=True)
class BadCall:
    """A member of a frame that is not a valid call; this error is its answer."""

    error: ProtocolError
    id: CallId = None
    rpc_code: int = INVALID_REQUEST


def read_frame(text: str) -> tuple[list[Call | BadCall], bool]:
    """The calls in one text frame, and whether they form a batch. Never raises."""
    if len(text) > MAX_TEXT:
        bad = ProtocolError(
            ErrorCode.TOO_LARGE,
            f"The message has {len(text)} characters; the limit is {MAX_TEXT}.",
            "Send audio as a file or an upload, and split batches.",
        )
        return [BadCall(bad)], False
    try:
        parsed = json_value(text)
    except (ValueError, RecursionError) as error:
        sentence = f"The message is not valid JSON: {json_reason(error)}."
        bad = ProtocolError(ErrorCode.BAD_MESSAGE, sentence[:300], "Send one JSON-RPC 2.0 object per frame.")
        return [BadCall(bad, rpc_code=PARSE_ERROR)], False
    if not isinstance(parsed, list):
        return [read_call(parsed)], False
    if not 1 <= len(parsed) <= MAX_BATCH:
        bad = ProtocolError(
            ErrorCode.TOO_LARGE,
            f"A batch must have 1 to {MAX_BATCH} calls, got {len(parsed)}.",
            "Split it into several frames.",
        )
        return [BadCall(bad)], False
    return [read_call(entry) for entry in parsed], True


def read_call(entry: Any) -> Call | BadCall:
    """One JSON value as a call."""
    if not isinstance(entry, dict):
        return BadCall(_invalid(f"A call must be an object, got {shown(entry)}."))
    call_id = entry.get("id")
    if isinstance(call_id, WrittenNumber) or not _can_be_id(call_id):
        return BadCall(
            _invalid(f"id must be a number or text of at most {MAX_ID} characters, got {shown(call_id)}.")
        )
    if entry.get("jsonrpc") != "2.0":
        return BadCall(_invalid('jsonrpc must be "2.0".'), call_id)
    method = entry.get("method")
    if not isinstance(method, str):
        return BadCall(_invalid(f"method must be text, got {shown(method)}."), call_id)
    params = entry.get("params", {})
    if not isinstance(params, dict):
        return BadCall(_invalid("params must be an object with named values."), call_id, INVALID_PARAMS)
    client = entry.get("client", "")
    if not isinstance(client, str) or len(client) > MAX_CLIENT or not client.isprintable():
        sentence = f"client must be text of at most {MAX_CLIENT} characters, got {shown(client)}."
        return BadCall(_invalid(sentence), call_id)
    return Call(method, params, call_id, "id" in entry, client)


def _can_be_id(given: Any) -> bool:
    """Whether an answer can carry it: JSON has no infinity, a text frame no lone surrogate."""
    if isinstance(given, float):
        return math.isfinite(given)
    if isinstance(given, str):
        return len(given) <= MAX_ID and not any("\ud800" <= letter <= "\udfff" for letter in given)
    return given is None or (isinstance(given, int) and not isinstance(given, bool))


def request_in(call: Call) -> tuple[Command, Request]:
    """The command and checked request of a call. Raises ProtocolError."""
    command = BY_NAME.get(call.method)
    if command is None:
        remedy = unknown_field(call.method, BY_NAME).remedy
        raise ProtocolError(
            ErrorCode.UNKNOWN_COMMAND, f"There is no method {shown(call.method)}.", remedy, "method"
        )
    params = {name: given for name, given in call.params.items() if given is not None}
    return command, command.request.from_fields(params)


def call_text(command: Command, request: Request, call_id: CallId) -> str:
    """The frame a client sends; the inverse of `request_in`."""
    return _text({"jsonrpc": "2.0", "id": call_id, "method": command.name, "params": request.to_fields()})


def result(call_id: CallId, value: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": call_id, "result": value}


def error(call_id: CallId, problem: ProtocolError, rpc_code: int | None = None) -> dict[str, Any]:
    """An error answer: the sentence as message; code, remedy and field as data."""
    data = {"code": problem.code.value, "remedy": problem.remedy, "field": problem.field}
    code = RPC_CODES.get(problem.code, BRIDGE_ERROR) if rpc_code is None else rpc_code
    return {
        "jsonrpc": "2.0",
        "id": call_id,
        "error": {"code": code, "message": problem.sentence, "data": data},
    }


def notification(reply: Reply) -> str:
    """The frame of an unsolicited reply: progress, takes and the terminal message."""
    return _text({"jsonrpc": "2.0", "method": reply.name, "params": reply.to_fields()})


def answer_text(answers: list[dict[str, Any]], batch: bool) -> str | None:
    """The frame that answers a frame; None if no call in it wants an answer."""
    if not answers:
        return None
    return _text(answers if batch else answers[0])


def _text(value: Any) -> str:
    return unicode_only(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def _invalid(sentence: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.BAD_MESSAGE,
        sentence,
        'Send calls such as {"jsonrpc":"2.0","id":1,"method":"status","params":{}}.',
    )
