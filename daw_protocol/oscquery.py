"""The OSC namespace as an OSCQuery tree (OSCQuery proposal 1.0, Vidvox): addresses to send to and receive from, with
types, ranges and values, and the two commands (LISTEN, IGNORE) a client may send over WebSocket.

Pure: callers pass the values in (bridge_server/endpoints/oscquery_values.py has them).
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daw_protocol.addresses import BY_NAME, COMMANDS, PREFIX, Command
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Flag, Kind, shown
from daw_protocol.json_text import json_value
from daw_protocol.replies import REPLIES, Reply
from daw_protocol.requests import Request

Values = Mapping[str, Sequence[Any]]
"""Current values of the readable addresses, one JSON value per letter of TYPE; an address without a value is absent."""


class Access(enum.IntFlag):
    """OSCQuery's ACCESS: whether an address has a readable value, and whether it takes messages."""

    NONE = 0
    READ = 1
    WRITE = 2


READABLE = tuple(
    BY_NAME[name].address for name in ("tempo", "meter", "key", "source", "select", "transport", "status")
)
"""Commands whose address also has a readable value, the same for all clients: the shared context."""

REPLY_AT = {f"{PREFIX}/{reply.name}": reply for reply in REPLIES}

# The attributes our nodes may have, and so those a client may query one by one.
ATTRIBUTES = (
    "FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "VALUE", "RANGE", "DESCRIPTION", "TAGS", "EXTENDED_TYPE",
    "SCHEMA",
)  # fmt: skip

# Not of the proposal, which knows nothing of pairs: where the JSON Schema of a message's values is, from which a client
# can build a form. In HOST_INFO the whole document, in a node the part of its message.
SCHEMA_AT = "/schema.json"

EXTENSIONS = {
    **dict.fromkeys(
        ("ACCESS", "VALUE", "RANGE", "DESCRIPTION", "TAGS", "EXTENDED_TYPE", "LISTEN", "SCHEMA"), True
    ),
    **dict.fromkeys(("UNIT", "CRITICAL", "CLIPMODE", "OVERLOADS", "HTML"), False),
    # The namespace is the command table, which never changes while a server runs.
    **dict.fromkeys(("PATH_CHANGED", "PATH_ADDED", "PATH_REMOVED", "PATH_RENAMED"), False),
}


def host_info(name: str, osc_port: int, websocket_port: int, host: str = "") -> dict[str, Any]:
    """The answer to `?HOST_INFO`. host: the address both ports are bound to; "" when bound to all addresses, for then
    only the client knows by which one it reached the server."""
    where = {"OSC_IP": host, "WS_IP": host} if host else {}
    return {
        "NAME": name,
        "OSC_PORT": osc_port,
        "OSC_TRANSPORT": "UDP",
        "WS_PORT": websocket_port,
        **where,
        "SCHEMA": SCHEMA_AT,
        "EXTENSIONS": dict(EXTENSIONS),
    }


def tree(values: Values) -> dict[str, Any]:
    """The whole namespace from the root: commands and replies."""
    root: dict[str, Any] = {
        "FULL_PATH": "/", "ACCESS": int(Access.NONE), "DESCRIPTION": "Takebridge", "CONTENTS": {},
    }  # fmt: skip
    for command in COMMANDS:
        if command.osc:
            _place(root, command.address, command_leaf(command, values.get(command.address)))
    for address, reply in REPLY_AT.items():
        _place(root, address, reply_leaf(reply))
    return root


def _place(root: dict[str, Any], address: str, leaf: Mapping[str, Any]) -> None:
    node = root
    path = ""
    for part in address.strip("/").split("/"):
        path = f"{path}/{part}"
        below = node.setdefault("CONTENTS", {})
        node = below.setdefault(part, {"FULL_PATH": path, "ACCESS": int(Access.NONE)})
    node.update(leaf)


def command_leaf(command: Command, value: Sequence[Any] | None = None) -> dict[str, Any]:
    """The node of one command; its DESCRIPTION lists the values sent as name-value pairs."""
    readable = command.address in READABLE
    leaf = _leaf(command.request, command.positional, command.doc.splitlines()[0])
    leaf["ACCESS"] = int(Access.READ | Access.WRITE if readable else Access.WRITE)
    leaf["TAGS"] = [command.group.name.lower()]
    leaf["SCHEMA"] = f"{SCHEMA_AT}#/$defs/requests/{command.name}"
    if readable and value is not None:
        leaf["VALUE"] = list(value)
    return leaf


def reply_leaf(reply: type[Reply]) -> dict[str, Any]:
    """The node of one reply: an address to listen to, without a value."""
    leaf = _leaf(reply, ("id",), (reply.__doc__ or "").strip().splitlines()[0])
    schema = f"{SCHEMA_AT}#/$defs/replies/{reply.name}"
    return {**leaf, "ACCESS": int(Access.READ), "TAGS": ["reply"], "SCHEMA": schema}


def _leaf(message: type[Request] | type[Reply], positional: Sequence[str], doc: str) -> dict[str, Any]:
    fields = {entry.name: entry.metadata for entry in dataclasses.fields(message)}
    kinds = [fields[name]["kind"] for name in positional]
    pairs = [name for name in fields if name not in positional]
    first = "; ".join(f"{name}: {fields[name]['doc']}" for name in positional)
    description = f"{doc} First {first}." if first else doc
    if pairs:
        description += f" Then name-value pairs of: {', '.join(pairs)}."
    return {
        "DESCRIPTION": description,
        "TYPE": "".join(type_of(kind) for kind in kinds),
        "RANGE": [range_of(kind) for kind in kinds],
        "EXTENDED_TYPE": list(positional),
    }


def type_of(kind: Kind) -> str:
    """The OSC type letter for values of this kind, sent or received."""
    # T and F carry no argument: JSON would have no value to show, a fader none to send.
    return "i" if isinstance(kind, Flag) else kind.osc[0]


def range_of(kind: Kind) -> dict[str, Any]:
    """OSCQuery's RANGE of one argument: MIN and MAX, or VALS, if the kind has them."""
    if isinstance(kind, Flag):
        return {"MIN": 0, "MAX": 1}
    schema = kind.schema()
    found: dict[str, Any] = {}
    if "minimum" in schema:
        found |= {"MIN": schema["minimum"], "MAX": schema["maximum"]}
    if "enum" in schema:
        found["VALS"] = schema["enum"]
    return found


def node_at(path: str, values: Values) -> dict[str, Any] | None:
    """The subtree at an OSC address; None if the address does not exist."""
    node = tree(values)
    for part in path.strip("/").split("/"):
        if part:
            if part not in node.get("CONTENTS", {}):
                return None
            node = node["CONTENTS"][part]
    return node


def is_address(path: str) -> bool:
    """Whether messages go to or come from exactly this address (a leaf, not a container)."""
    return path in REPLY_AT or any(command.osc and command.address == path for command in COMMANDS)


class Query(enum.Enum):
    """The outcome of a query for single attributes; the value is the HTTP status the proposal assigns."""

    ANSWERED = 200
    INAPPROPRIATE = 204  # not an attribute of this node: VALUE of a write-only node, RANGE of a container
    BAD = 400  # not an OSCQuery attribute, or not one served here


def attributes_of(node: Mapping[str, Any], names: Sequence[str]) -> tuple[Query, dict[str, Any]]:
    """The requested attributes of one node. A readable value that is not set yet gives no entry."""
    if any(name not in ATTRIBUTES for name in names):
        return Query.BAD, {}
    unset = "VALUE" if node["ACCESS"] & Access.READ else ""
    if any(name not in node and name != unset for name in names):
        return Query.INAPPROPRIATE, {}
    return Query.ANSWERED, {name: node[name] for name in names if name in node}


class ListenCommand(enum.Enum):
    """The commands a client may send over WebSocket; the value is the proposal's COMMAND."""

    LISTEN = "LISTEN"  # subscribe to the OSC messages of this address
    IGNORE = "IGNORE"  # unsubscribe


@dataclass(frozen=True)
class Listen:
    """One command of an OSCQuery client. address: one of our OSC addresses."""

    command: ListenCommand
    address: str


MAX_FRAME = 10_000  # characters; a command and an address


def is_oscquery(frame: str) -> bool:
    """Whether a text frame is an OSCQuery command, not JSON-RPC: an object with COMMAND, without jsonrpc."""
    if len(frame) > MAX_FRAME or '"COMMAND"' not in frame:  # rules out most frames without parsing them
        return False
    try:
        found = json_value(frame)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and "COMMAND" in found and "jsonrpc" not in found


def listen_in(frame: str) -> Listen:
    """The command in a frame that `is_oscquery`. Raises ProtocolError."""
    found = json_value(frame)
    try:
        command = ListenCommand(found["COMMAND"])
    except ValueError as error:
        raise ProtocolError(
            ErrorCode.UNKNOWN_COMMAND,
            f"There is no OSCQuery command {shown(found['COMMAND'])} here.",
            f"Available: {', '.join(entry.value for entry in ListenCommand)}.",
            "COMMAND",
        ) from error
    address = found.get("DATA")
    if not isinstance(address, str) or not is_address(address):
        raise ProtocolError(
            ErrorCode.UNKNOWN_COMMAND,
            f"There is no address {shown(address)}.",
            f"Query {PREFIX} over HTTP for a list of addresses.",
            "DATA",
        )
    return Listen(command, address)
