"""What every OSC endpoint does with a packet: its commands, the request in each, and bytes for what goes out.

Foreign bytes are read by daw_protocol/osc_packet.py; python-osc only writes.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from typing import Any

from pythonosc.osc_message_builder import OscMessageBuilder

from bridge_server.handlers.response import our_fault
from bridge_server.log_words import Private
from daw_protocol.errors import ProtocolError
from daw_protocol.osc_form import REPLY_ADDRESSES, OscArgument, request_from_osc
from daw_protocol.osc_packet import OscMessage, messages_in
from daw_protocol.requests import Request

log = logging.getLogger(__name__)

MAX_GUESSED_ID = 64  # characters


def encode(address: str, arguments: Sequence[OscArgument]) -> bytes:
    """One OSC message as a datagram."""
    builder = OscMessageBuilder(address)
    for argument in arguments:
        if isinstance(argument, int) and not isinstance(argument, bool) and not -(2**31) <= argument < 2**31:
            builder.add_arg(argument, OscMessageBuilder.ARG_TYPE_INT64)
        else:
            builder.add_arg(argument)
    return bytes(builder.build().dgram)


def encode_typed(address: str, values: Sequence[tuple[str, OscArgument | None]]) -> bytes:
    """One OSC message as a datagram, each value with its type tag."""
    builder = OscMessageBuilder(address)
    for tag, value in values:
        builder.add_arg(value, tag)
    return bytes(builder.build().dgram)


def commands_in(packet: bytes) -> list[OscMessage]:
    """The commands in a packet, those of a bundle in order. Raises ProtocolError for anything that is not OSC.

    A reply that comes back (reply_port set to our own port, two bridges, an echo service) is dropped: each answer
    would bring the next one.
    """
    return [message for message in messages_in(packet) if message.address not in REPLY_ADDRESSES]


def request_in(message: OscMessage) -> Request:
    """The checked request of a message. Raises ProtocolError, also for a bug of ours, which is logged: it must end
    neither the endpoint nor the server."""
    if message.problem is not None:
        raise message.problem
    try:
        _, request = request_from_osc(message.address, message.values)
    except ProtocolError:
        raise
    except Exception as bug:
        log.exception("OSC message %s met a bug", Private(message.address))
        raise our_fault() from bug
    return request


def id_in(message: OscMessage) -> str:
    """The probable id of a message that could not be read, so that its sender can match the answer."""
    first = _pair("id", message.values)
    if first is None:
        first = next(iter(message.values), "")
    if isinstance(first, float) and first.is_integer():
        first = int(first)
    found = str(first) if isinstance(first, (str, int)) else ""
    return found[:MAX_GUESSED_ID] if found.isprintable() else ""


def tokens_in(message: OscMessage) -> list[str]:
    """What may be the token of a message, found before anything else is read of it: the texts behind `token`."""
    pairs = itertools.pairwise(message.values)
    return [given for name, given in pairs if name == "token" and isinstance(given, str)]


def reply_port_in(message: OscMessage) -> int | None:
    """The reply_port of a message that could not be read: nothing may listen at the sender's own port."""
    given = _pair("reply_port", message.values)
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    written = str(given)
    return int(written) if written.isdecimal() and len(written) <= 5 and 1 <= int(written) <= 65_535 else None


def _pair(name: str, values: Sequence[Any]) -> Any:
    """The value behind a name, wherever it stands; None where there is none."""
    return next((given for before, given in itertools.pairwise(values) if before == name), None)
