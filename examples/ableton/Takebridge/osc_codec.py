"""OSC 1.0 packets, because Live's Python has no third-party modules: the types the bridge and surfaces use.

Types: i int32, h int64, f float32, d float64, s string, b blob, T F true and false, N nil, I impulse.
"""

import struct

INT32 = range(-(2**31), 2**31)
# A bundle in a bundle in a bundle is a mistake or an attack; nothing that is played nests this deep.
MAX_NESTING = 8


class NotOsc(ValueError):
    """The bytes are no OSC packet; says what was wrong."""


def encode(address, arguments=()):
    """One message as bytes. Python ints become i (h where they do not fit), floats d, texts s, bytes b, bools T F.

    Floats have 64 bits: 127.3 BPM must not arrive as 127.30000305. Raises TypeError for other kinds.
    """
    tags = ","
    body = b""
    for argument in arguments:
        if isinstance(argument, bool):
            tags += "T" if argument else "F"
        elif isinstance(argument, int):
            small = argument in INT32
            tags += "i" if small else "h"
            body += struct.pack(">i" if small else ">q", argument)
        elif isinstance(argument, float):
            tags += "d"
            body += struct.pack(">d", argument)
        elif isinstance(argument, str):
            tags += "s"
            body += _padded_text(argument)
        elif isinstance(argument, bytes):
            tags += "b"
            body += struct.pack(">i", len(argument)) + argument + bytes(-len(argument) % 4)
        elif argument is None:
            tags += "N"
        else:
            raise TypeError(f"OSC has no type for {argument!r}")
    return _padded_text(address) + _padded_text(tags) + body


def decode(data):
    """The (address, arguments) of every message in a packet, those of a bundle in order. Raises NotOsc."""
    messages = []
    _decode_packet(data, messages, 0)
    return messages


def _decode_packet(data, messages, depth):
    if depth > MAX_NESTING:
        raise NotOsc(f"bundles are nested more than {MAX_NESTING} deep")
    if data[:8] != b"#bundle\0":
        messages.append(_decode_message(data))
        return
    place = 16  # the time tag is not waited for: everything is done at once
    if len(data) < place:
        raise NotOsc("a bundle ends inside its time tag")
    while place < len(data):
        size, place = _number(data, place, ">i", 4)
        if size <= 0 or size % 4 or place + size > len(data):
            raise NotOsc(f"a bundle holds an element of {size} bytes")
        _decode_packet(data[place : place + size], messages, depth + 1)
        place += size


def _decode_message(data):
    address, place = _text(data, 0)
    if not address.startswith("/"):
        raise NotOsc(f"an address starts with /, got {address[:20]!r}")
    if place == len(data):  # some old senders leave the type tags out when there is nothing to tag
        return address, []
    tags, place = _text(data, place)
    if not tags.startswith(","):
        raise NotOsc(f"type tags start with a comma, got {tags[:20]!r}")
    arguments = []
    for tag in tags[1:]:
        if tag in _NUMBERS:
            value, place = _number(data, place, *_NUMBERS[tag])
        elif tag in "sS":
            value, place = _text(data, place)
        elif tag == "b":
            value, place = _blob(data, place)
        elif tag in _CONSTANTS:
            value = _CONSTANTS[tag]
        else:
            raise NotOsc(f"the type {tag!r} is not known")
        arguments.append(value)
    return address, arguments


_NUMBERS = {"i": (">i", 4), "h": (">q", 8), "f": (">f", 4), "d": (">d", 8)}
_CONSTANTS = {"T": True, "F": False, "N": None, "I": True}


def _number(data, place, form, size):
    if place + size > len(data):
        raise NotOsc("the packet ends inside a number")
    return struct.unpack_from(form, data, place)[0], place + size


def _text(data, place):
    end = data.find(b"\0", place)
    if end < 0:
        raise NotOsc("the packet ends inside a text")
    try:
        return data[place:end].decode("utf-8"), _next_word(end + 1)
    except UnicodeDecodeError:
        raise NotOsc("a text is not UTF-8") from None


def _blob(data, place):
    size, place = _number(data, place, ">i", 4)
    if size < 0 or place + size > len(data):
        raise NotOsc("the packet ends inside a blob")
    return data[place : place + size], _next_word(place + size)


def _padded_text(text):
    if "\0" in text:
        raise TypeError(f"OSC texts end at a zero: {text!r} holds one")
    data = text.encode("utf-8") + b"\0"
    return data + bytes(-len(data) % 4)


def _next_word(place):
    return (place + 3) // 4 * 4
