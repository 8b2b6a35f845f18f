"""OSC packets: messages to bytes and back by python-osc, and what every OSC endpoint does with one message."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from bridge_server.handlers.response import our_fault
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.osc_form import REPLY_ADDRESSES, OscArgument, request_from_osc
from daw_protocol.requests import Request

log = logging.getLogger(__name__)


def encode(address: str, arguments: list[OscArgument]) -> bytes:
    """One OSC message as a datagram."""
    builder = OscMessageBuilder(address)
    for argument in arguments:
        if isinstance(argument, int) and not isinstance(argument, bool) and not -(2**31) <= argument < 2**31:
            builder.add_arg(argument, OscMessageBuilder.ARG_TYPE_INT64)
        else:
            builder.add_arg(argument)
    return bytes(builder.build().dgram)


def decode(data: bytes) -> Iterator[OscMessage]:
    """The messages of a datagram, those of a bundle in order; time tags are not waited for.

    Raises ProtocolError for anything that is not OSC.
    """
    try:
        for timed in OscPacket(data).messages:
            yield timed.message
    except Exception as error:  # python-osc lets struct, index, unicode and recursion errors through
        raise ProtocolError(
            ErrorCode.BAD_MESSAGE,
            f"A datagram of {len(data)} bytes is not OSC ({type(error).__name__}).",
            "Send OSC 1.0 messages or bundles.",
        ) from error


def commands_in(data: bytes) -> list[OscMessage]:
    """The commands in a packet. Raises ProtocolError for anything that is not OSC.

    A reply that comes back (reply_port set to our own port, two bridges, an echo service) is dropped: each answer
    would bring the next one.
    """
    return [message for message in decode(data) if message.address not in REPLY_ADDRESSES]


def request_in(message: OscMessage) -> Request:
    """The checked request of a message. Raises ProtocolError, also for a bug of ours, which is logged: it must end
    neither the endpoint nor the server."""
    try:
        _, request = request_from_osc(message.address, message.params)
    except ProtocolError:
        raise
    except Exception as bug:
        log.exception("OSC message %s met a bug", message.address)
        raise our_fault() from bug
    return request


def id_in(message: OscMessage) -> str:
    """The probable id of a message that could not be read, so that its sender can match the answer."""
    first = message.params[0] if message.params else ""
    return str(first)[:64] if isinstance(first, (str, int)) and str(first).isprintable() else ""


def reply_port_in(arguments: Sequence[Any]) -> int | None:
    """The reply_port of a message that could not be read: nothing may listen at the sender's own port."""
    for name, given in itertools.pairwise(arguments):
        if name == "reply_port" and str(given).isdecimal() and 1 <= int(given) <= 65_535:
            return int(given)
    return None
