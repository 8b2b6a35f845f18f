"""OSC 1.0 and 1.1 packets, from bytes to messages. Foreign bytes are read here and nowhere else.

The frame of a whole packet is checked before any of its messages is read: sizes, padding, depth and count. The work
grows with the packet's length and with nothing else. Encoding is left to python-osc (bridge_server/endpoints).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import shown
from daw_protocol.unreadable import Unreadable

MAX_DEPTH = 16  # bundles inside bundles
MAX_ELEMENTS = 4096  # of one packet, empty ones included
MAX_VALUES = 512  # of one message: more than twice the fields of the largest request
MAX_NESTING = 8  # arrays inside arrays

BUNDLE = b"#bundle\x00"
HEAD_BYTES = len(BUNDLE) + 8  # with the time tag, which is not waited for
ALIGNMENT = 4


@dataclass(frozen=True)
class OscMessage:
    """One message.

    values:  as TYPE_TAGS has them; arrays are lists.
    problem: why the message cannot be carried out; `values` then holds those that were read before it.
    """

    address: str
    values: tuple[Any, ...] = ()
    problem: ProtocolError | None = None


def messages_in(packet: bytes) -> list[OscMessage]:
    """The messages of a packet, those of bundles in order. Raises ProtocolError for a packet with a broken frame."""
    frames = list(_frames(packet))
    return [_message(packet, first, end) for first, end in frames]


def _frames(packet: bytes) -> Iterator[tuple[int, int]]:
    """Where each message of a packet begins and ends, in bytes. Raises ProtocolError."""
    if not packet or len(packet) % ALIGNMENT:
        raise _broken(packet, "its size is not a multiple of four" if packet else "it is empty")
    elements = 0
    position, end = 0, len(packet)
    ends: list[int] = []  # of the bundles around the position
    whole = True  # the packet itself has no size before it
    while True:
        while ends and position == end:  # of a bundle: on with what comes behind it
            end = ends.pop()
        if position == end:
            return
        size = end - position if whole else _size(packet, position, end)
        if not whole:
            position += 4
            elements += 1
            if elements > MAX_ELEMENTS:
                raise _broken(packet, f"it has more than {MAX_ELEMENTS} elements")
        whole = False
        if not packet.startswith(BUNDLE, position, position + size):
            if size:
                yield position, position + size
            position += size
            continue
        if size < HEAD_BYTES:
            raise _broken(packet, f"the bundle at byte {position} ends before its time tag")
        if len(ends) == MAX_DEPTH:
            raise _broken(packet, f"its bundles are nested more than {MAX_DEPTH} deep")
        ends.append(end)
        end = position + size
        position += HEAD_BYTES


def _size(packet: bytes, position: int, end: int) -> int:
    """The size of the bundle element at a position, in bytes. Raises ProtocolError."""
    # Every position is a multiple of four, and so is every end: four bytes are left.
    size = int(struct.unpack_from(">i", packet, position)[0])
    left = end - position - 4
    if size < 0 or size % ALIGNMENT or size > left:
        raise _broken(packet, f"the element at byte {position} claims {size} bytes of {left}")
    return size


def _broken(packet: bytes, why: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.BAD_MESSAGE,
        f"A packet of {len(packet)} bytes is not OSC: {why}.",
        "Send OSC 1.0 or 1.1 messages or bundles.",
    )


def _message(packet: bytes, first: int, end: int) -> OscMessage:
    """The message in packet[first:end]. Never raises: a problem of its own does not stop the rest of a bundle."""
    reader = _Reader(packet, first, end)
    address = ""
    values: list[Any] = []
    try:
        if packet[first : first + 1] != b"/":
            raise _Unusable("A message does not begin with an address.")
        address = reader.text()
        reader.values(values)
    except _Unusable as problem:
        sentence = f"{shown(address)}: {problem}" if address else str(problem)
        error = ProtocolError(ErrorCode.BAD_MESSAGE, sentence, f"Values may have the type tags {READABLE}.")
        return OscMessage(address, tuple(values), error)
    return OscMessage(address, tuple(values))


class _Unusable(Exception):
    """What is wrong with one message, as a sentence."""


class _Reader:
    """Reads one message from its first byte to its last."""

    def __init__(self, packet: bytes, position: int, end: int) -> None:
        self._packet = packet
        self._position = position
        self._end = end

    def values(self, found: list[Any]) -> None:
        """Appends the message's values to `found`. Raises _Unusable."""
        if self._position == self._end:
            return  # no type tags: no values
        tags = self.text()
        if not tags.startswith(","):
            raise _Unusable("The values have no type tags before them.")
        if len(tags) - 1 > MAX_VALUES:
            raise _Unusable(f"{len(tags) - 1} type tags are too many; the limit is {MAX_VALUES}.")
        around: list[list[Any]] = []  # the arrays that are open
        into = found
        for tag in tags[1:]:
            if tag == "[":
                if len(around) == MAX_NESTING:
                    raise _Unusable(f"Arrays are nested more than {MAX_NESTING} deep.")
                around.append(into)
                array: list[Any] = []
                into.append(array)
                into = array
            elif tag == "]":
                if not around:
                    raise _Unusable("An array ends that never began.")
                into = around.pop()
            else:
                into.append(self._value(tag))
        if around:
            raise _Unusable("An array does not end.")
        if self._packet[self._position : self._end].strip(b"\x00"):
            raise _Unusable(f"{self._end - self._position} bytes follow the last value.")

    def _value(self, tag: str) -> Any:
        known = BY_TAG.get(tag)
        if known is None:
            raise _Unusable(
                f"The type tag {shown(tag)} is unknown, so the values behind it cannot be located."
            )
        return known.read(self)

    def text(self) -> str:
        """A text up to its NUL. Bytes that are not UTF-8 become lone surrogates, which every field refuses in words."""
        stop = self._packet.find(b"\x00", self._position, self._end)
        if stop < 0:
            raise _Unusable("A text does not end.")
        found = self._packet[self._position : stop]
        self._position = stop + ALIGNMENT - stop % ALIGNMENT  # within the frame, which is aligned as well
        return found.decode("utf-8", "surrogateescape")

    def take(self, size: int) -> bytes:
        """The next bytes."""
        if size > self._end - self._position:
            raise _Unusable("The message ends before its last value.")
        self._position += size
        return self._packet[self._position - size : self._position]


@dataclass(frozen=True)
class TypeTag:
    """One type tag. name: of what is sent; becomes: what a field receives, for docs/protocol.md.

    accepted: whether any field takes it.
    """

    tag: str
    name: str
    becomes: str
    read: Callable[[_Reader], Any]
    accepted: bool = True


def _number(form: str) -> Callable[[_Reader], Any]:
    unpack, size = struct.Struct(form).unpack, struct.calcsize(form)
    return lambda reader: unpack(reader.take(size))[0]


def _character(reader: _Reader) -> str | Unreadable:
    code = int(struct.unpack(">I", reader.take(4))[0])
    letter = chr(code) if code < 0x110000 else ""
    return (
        letter
        if letter.isprintable() and letter
        else Unreadable(f"a character with the code {code} (type tag c)")
    )


def _unusable(size: int, what: str) -> Callable[[_Reader], Unreadable]:
    def read(reader: _Reader) -> Unreadable:
        reader.take(size)
        return Unreadable(what)

    return read


def _blob(reader: _Reader) -> Unreadable:
    size = int(struct.unpack(">i", reader.take(4))[0])
    if size < 0:
        raise _Unusable(f"A blob claims {size} bytes.")
    reader.take(size + -size % ALIGNMENT)
    return Unreadable(f"a blob of {size} bytes (type tag b)")


TYPE_TAGS = (
    TypeTag("i", "32-bit integer", "a number", _number(">i")),
    TypeTag("h", "64-bit integer", "a number", _number(">q")),
    TypeTag("f", "32-bit float", "a number; a whole one counts as an integer", _number(">f")),
    TypeTag("d", "64-bit float", "a number; a whole one counts as an integer", _number(">d")),
    TypeTag("s", "string", "text, in UTF-8; where a number is expected, the number it spells", _Reader.text),
    TypeTag("S", "symbol", "as s", _Reader.text),
    TypeTag("c", "character", "a text of one letter", _character),
    TypeTag("T", "true", "true", lambda _: True),
    TypeTag("F", "false", "false", lambda _: False),
    TypeTag("I", "impulse", "true", lambda _: True),
    TypeTag("N", "nil", "nothing: the field counts as omitted", lambda _: None),
    TypeTag("b", "blob", "named in the refusal", _blob, accepted=False),
    TypeTag("r", "colour", "named in the refusal", _unusable(4, "a colour (type tag r)"), accepted=False),
    TypeTag(
        "m",
        "MIDI message",
        "named in the refusal",
        _unusable(4, "a MIDI message (type tag m)"),
        accepted=False,
    ),
    TypeTag("t", "time tag", "named in the refusal", _unusable(8, "a time tag (type tag t)"), accepted=False),
)
"""Every type tag of OSC 1.0 and 1.1 but the brackets of arrays. A refused value does not move those behind it."""

BY_TAG = {known.tag: known for known in TYPE_TAGS}
READABLE = ", ".join((*(known.tag for known in TYPE_TAGS if known.accepted), "[ ]"))
