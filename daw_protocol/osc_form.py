"""Requests and replies as OSC arguments: positional values first, then name-value pairs, easy to type.

Knows only the shape of the arguments; osc_packet.py reads them from bytes; bridge_server writes them with python-osc.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from daw_protocol.addresses import BY_ADDRESS, PREFIX, Command, field_names
from daw_protocol.errors import ErrorCode, ProtocolError, unicode_only
from daw_protocol.fields import is_plain, shown
from daw_protocol.message import unknown_field
from daw_protocol.replies import REPLIES, Reply, TakeChosen, TakeReady
from daw_protocol.requests import Request

# A reply must fit one Ethernet frame with room to spare: larger datagrams are fragmented, and losing one fragment
# loses the whole reply.
MAX_DATAGRAM_BYTES = 1400
OscArgument = int | float | str | bool
PATTERN_CHARACTERS = frozenset("*?[]{}")  # of OSC 1.0; "//" is OSC 1.1's

REPLY_ADDRESSES = frozenset(f"{PREFIX}/{reply.name}" for reply in REPLIES)
"""Addresses only the server sends."""


def command_at(address: str) -> Command:
    """The command with this OSC address. Raises ProtocolError that suggests the nearest existing one."""
    command = BY_ADDRESS.get(address)
    if command is None and (PATTERN_CHARACTERS.intersection(address) or "//" in address):
        raise ProtocolError(
            ErrorCode.UNKNOWN_COMMAND,
            f"{shown(address)} is an address pattern, which the bridge does not match.",
            "Send one message to each address.",
            "address",
        )
    if command is None:
        error = unknown_field(address, BY_ADDRESS)
        raise ProtocolError(
            ErrorCode.UNKNOWN_COMMAND, f"There is no address {shown(address)}.", error.remedy, "address"
        )
    return command


def request_from_osc(address: str, arguments: Sequence[Any]) -> tuple[Command, Request]:
    """The command and checked request of one OSC message. Raises ProtocolError."""
    command = command_at(address)
    return command, command.request.from_fields(fields_in(command, arguments))


def fields_in(command: Command, arguments: Sequence[Any]) -> dict[str, Any]:
    """The values by name. `/bridge/tempo 120` and `/bridge/tempo bpm 120` mean the same."""
    found = _pairs_and_positionals(command, arguments)
    return {name: given for name, given in found.items() if given is not None}  # nil, as null in JSON


def _pairs_and_positionals(command: Command, arguments: Sequence[Any]) -> dict[str, Any]:
    names = field_names(command)
    taken = 0
    found: dict[str, Any] = {}
    for name in command.positional:
        if taken == len(arguments):
            break
        following = arguments[taken]
        if (len(arguments) - taken) % 2 == 0 and isinstance(following, str) and following in names:
            break  # pairs from here on
        found[name] = arguments[taken]
        taken += 1
    rest = arguments[taken:]
    if len(rest) % 2:
        raise ProtocolError(
            ErrorCode.BAD_MESSAGE,
            f"{command.address}: the values after {' '.join(command.positional) or 'the address'} must be "
            f"name-value pairs, got {len(rest)} values.",
            f"For example: {command.example}",
            str(rest[-1])[:64],
        )
    for name, given in zip(rest[::2], rest[1::2], strict=True):
        if not isinstance(name, str) or name not in names:
            raise unknown_field(name, names)
        if name in found:
            raise ProtocolError(ErrorCode.BAD_MESSAGE, f"{name} appears twice.", "Send it once.", name)
        found[name] = given
    return found


def request_to_osc(command: Command, request: Request) -> tuple[str, list[OscArgument]]:
    """Address and arguments of the request; the inverse of `request_from_osc`."""
    fields = request.to_fields()
    arguments: list[OscArgument] = []
    for name in command.positional:
        # A song called "rate" would be read as a field name, so it and everything after it go as pairs.
        if name not in fields or fields[name] in field_names(command):
            break
        arguments.append(_plain(fields.pop(name)))
    for name, given in fields.items():
        arguments += [name, _plain(given)]
    return command.address, arguments


def reply_to_osc(reply: Reply) -> tuple[str, list[OscArgument]]:
    """Address and arguments of a reply: its id, then name-value pairs."""
    fields = reply.to_fields()
    arguments: list[OscArgument] = [fields.pop("id", "")]
    for name, given in fields.items():
        arguments += [name, _plain(given)]
    return f"{PREFIX}/{reply.name}", arguments


def fitting(reply: Reply) -> tuple[str, list[OscArgument]]:
    """As `reply_to_osc`, with the longest texts shortened until it fits one datagram.

    A path is omitted rather than shortened, as are the parts of a comp: half of it is a wrong one. `takes.show` and
    `takes.list` have them in full.
    """
    address, arguments = reply_to_osc(reply)
    if datagram_bytes(address, arguments) > MAX_DATAGRAM_BYTES and isinstance(reply, TakeReady):
        address, arguments = reply_to_osc(reply.evolve(path=""))
    if datagram_bytes(address, arguments) > MAX_DATAGRAM_BYTES and isinstance(reply, TakeChosen):
        address, arguments = reply_to_osc(reply.evolve(parts=()))
    while datagram_bytes(address, arguments) > MAX_DATAGRAM_BYTES:
        longest = max(
            (n for n, entry in enumerate(arguments) if isinstance(entry, str)),
            key=lambda n: len(str(arguments[n]).encode()),
        )
        text = str(arguments[longest])
        arguments[longest] = text[: max(0, len(text) * 3 // 4 - 1)] + "…"
    return address, arguments


def datagram_bytes(address: str, arguments: Sequence[OscArgument]) -> int:
    """Upper bound on the OSC packet's size in bytes: strings padded to four bytes, eight bytes per number."""
    sizes = [len(entry.encode()) + 4 if isinstance(entry, str) else 8 for entry in arguments]
    return len(address) + 4 + len(arguments) + 5 + sum(sizes)


def _plain(value: Any) -> OscArgument:
    """A JSON value as an OSC argument; lists as comma-separated names, objects as JSON text."""
    if isinstance(value, bool):
        # 1 and 0, not OSC 1.1's T and F: Pure Data drops those, which shifts all pairs after them.
        return int(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)  # OSC has no larger integers
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str):
        return unicode_only(value)
    if isinstance(value, list) and all(isinstance(entry, str) and is_plain(entry) for entry in value):
        return unicode_only(",".join(value))
    return unicode_only(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
