"""One request for audio through every door of a running server, with the same kind of outcome from each."""

from __future__ import annotations

import dataclasses
import itertools
import json
import struct
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge_server.cli.parser import parser
from bridge_server.cli.request_parsers import fields_of
from bridge_server.server import mailbox_root
from daw_protocol.addresses import BY_NAME
from daw_protocol.osc_packet import OscMessage, messages_in
from tests.bridge_server.mailbox_peer import MailboxPeer
from tests.bridge_server.peers import PATIENCE, ServerThread


@dataclasses.dataclass(frozen=True)
class Outcome:
    """code: of the refusal, "" for an accepted request, whose job it then has; note: of the acknowledgement."""

    code: str
    field: str = ""
    sentence: str = ""
    job: str = ""
    note: str = ""


def text(given: str) -> bytes:
    """An OSC string; lone surrogates stand for bytes that are not UTF-8."""
    data = given.encode("utf-8", "surrogateescape")
    return data + bytes(4 - len(data) % 4)


def argument(value: Any) -> tuple[str, bytes]:
    """Type tag and bytes of a value."""
    if isinstance(value, bool):
        return ("T" if value else "F"), b""
    if isinstance(value, float):
        return "f", struct.pack(">f", value)
    if isinstance(value, int) and -(2**31) <= value < 2**31:
        return "i", struct.pack(">i", value)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return "h", struct.pack(">q", value)
    if isinstance(value, dict):
        value = json.dumps(value)
    return "s", text(str(value))


def packet(address: str, *values: Any) -> bytes:
    """One OSC message, written by hand: no library sends all that peers send."""
    tags, data = zip(*map(argument, values), strict=True) if values else ((), ())
    return text(address) + text("," + "".join(tags)) + b"".join(data)


def in_pairs(fields: dict[str, Any]) -> list[Any]:
    return list(itertools.chain.from_iterable(fields.items()))


def of_reply(message: OscMessage) -> Outcome:
    """What an OSC reply to a request for audio says."""
    found = dict(zip(message.values[1::2], message.values[2::2], strict=True))
    if message.address == "/bridge/failed":
        return Outcome(found["code"], found.get("field", ""), found["sentence"])
    assert message.address == "/bridge/ack", message
    return Outcome("", job=found["job"], note=found.get("note", ""))


def of_answer(answer: dict[str, Any]) -> Outcome:
    """What a JSON-RPC answer to a request for audio says."""
    if "error" in answer:
        data = answer["error"].get("data", {})
        return Outcome(data["code"], data["field"], answer["error"]["message"])
    return Outcome("", job=answer["result"]["job"], note=answer["result"].get("note", ""))


def over_udp(server: ServerThread, method: str, fields: dict[str, Any]) -> Outcome:
    with server.osc() as peer:
        peer.send_bytes(packet(BY_NAME[method].address, uuid.uuid4().hex, *in_pairs(fields)))
        data, _ = peer._socket.recvfrom(65536)
    return of_reply(messages_in(data)[0])


def osc_over_websocket(server: ServerThread, method: str, fields: dict[str, Any]) -> Outcome:
    with server.websocket() as peer:
        peer.connection.send(packet(BY_NAME[method].address, uuid.uuid4().hex, *in_pairs(fields)))
        return of_reply(messages_in(peer.connection.recv(timeout=PATIENCE))[0])


def websocket(server: ServerThread, method: str, fields: dict[str, Any]) -> Outcome:
    with server.websocket() as peer:
        peer.connection.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": fields}))
        return of_answer(peer.frame_where(lambda frame: frame.get("id") == 1))


def mailbox(server: ServerThread, method: str, fields: dict[str, Any]) -> Outcome:
    box = MailboxPeer(mailbox_root(server.settings.store))
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": fields}
    data = json.dumps(call, ensure_ascii=False).encode("utf-8", "surrogateescape")
    return of_answer(box.response(box.put(data)))


def command_line(server: ServerThread, method: str, fields: dict[str, Any]) -> Outcome:
    """As typed; the command then speaks to the server over WebSocket."""
    own = {name: given for name, given in fields.items() if name in ("source", "tempo_map", "title")}
    words = [method, "song.wav"]
    for name, given in fields.items():
        if name not in own:
            words += [f"--{name.replace('_', '-')}", str(given)]
    arguments = parser(Path(), Path(), Path()).parse_args(words)
    return websocket(server, method, {**own, **fields_of(arguments, BY_NAME[method])})


DOORS: dict[str, Callable[[ServerThread, str, dict[str, Any]], Outcome]] = {
    "udp": over_udp,
    "osc over websocket": osc_over_websocket,
    "websocket": websocket,
    "mailbox": mailbox,
    "command line": command_line,
}
