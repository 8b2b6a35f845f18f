"""OSC packets from bytes: type tags, frames that lie, and any bytes at all; python-osc reads the good ones alike."""

import contextlib
import math
import struct
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pythonosc.osc_message import OscMessage as TheirMessage
from pythonosc.osc_packet import OscPacket as TheirPacket

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.osc_packet import MAX_DEPTH, MAX_ELEMENTS, MAX_NESTING, MAX_VALUES, TYPE_TAGS, messages_in
from daw_protocol.unreadable import Unreadable

BEGIN = b"#bundle\0" + bytes(7) + b"\x01"


def text(given: str | bytes) -> bytes:
    data = given.encode() if isinstance(given, str) else given
    return data + bytes(4 - len(data) % 4)


def message(address="/a", tags=",", body=b""):
    return text(address) + text(tags) + body


def bundle(*parts):
    return BEGIN + b"".join(struct.pack(">i", len(part)) + part for part in parts)


def nested(depth, inside=b""):
    for _ in range(depth):
        inside = bundle(inside) if inside else BEGIN
    return inside


def one(packet):
    (found,) = messages_in(packet)
    return found


BEHIND = (b"\0\0\0\x07", 7)  # an integer behind each value: a value read wrong moves it
VALUES = [
    ("i", b"\xff\xff\xff\xfe", -2),
    ("h", b"\x7f" + b"\xff" * 7, 2**63 - 1),
    ("f", struct.pack(">f", 17.0), 17.0),
    ("f", struct.pack(">f", math.inf), math.inf),
    ("d", struct.pack(">d", 127.3), 127.3),
    ("s", text("Stra\u00dfe"), "Straße"),
    ("s", text(""), ""),
    ("s", text("Stra\u00dfe".encode("latin-1")), "Stra\udcdfe"),  # not UTF-8: every field refuses it
    ("S", text("symbol"), "symbol"),
    ("c", b"\0\0\0A", "A"),
    ("c", b"\0\0\x65\xe5", "日"),
    ("c", bytes(4), Unreadable("a character with the code 0 (type tag c)")),
    ("c", b"\xff" * 4, Unreadable("a character with the code 4294967295 (type tag c)")),
    ("c", b"\0\0\xd8\0", Unreadable("a character with the code 55296 (type tag c)")),
    ("T", b"", True),
    ("F", b"", False),
    ("I", b"", True),
    ("N", b"", None),
    ("b", b"\0\0\0\x05abcde\0\0\0", Unreadable("a blob of 5 bytes (type tag b)")),
    ("b", bytes(4), Unreadable("a blob of 0 bytes (type tag b)")),
    ("r", b"\x01\x02\x03\x04", Unreadable("a colour (type tag r)")),
    ("m", b"\0\x90\x40\x7f", Unreadable("a MIDI message (type tag m)")),
    ("t", bytes(8), Unreadable("a time tag (type tag t)")),
]


@pytest.mark.parametrize(("tag", "data", "value"), VALUES)
def test_each_type_tag_and_the_value_behind_it(tag, data, value):
    found = one(message("/a", f",i{tag}i", BEHIND[0] + data + BEHIND[0]))
    assert found.problem is None
    assert found.values == (BEHIND[1], value, BEHIND[1])
    assert type(found.values[1]) is type(value)


def test_every_tag_of_the_table_is_in_this_test():
    assert {tag for tag, _, _ in VALUES} == {known.tag for known in TYPE_TAGS}
    assert {known.tag for known in TYPE_TAGS} | {"[", "]"} == set("ifsbhtdScrmTFNI[]")


def test_arrays_are_lists():
    assert one(message("/a", ",i[i[]T]i", BEHIND[0] * 3)).values == (7, [7, [], True], 7)
    assert one(message("/a", ",[[]]")).values == ([[]],)


def test_a_message_without_type_tags_has_no_values():
    assert one(text("/bridge/status")).values == ()


UNUSABLE = [
    ("an unknown tag", message("/a", ",sxi", text("id1") + bytes(8)), ("id1",), "type tag 'x' is unknown"),
    ("no tags", text("/a") + bytes(3) + b"\x07", (), "no type tags"),
    ("no comma", message("/a", "i", bytes(4)), (), "no type tags"),
    ("too few bytes", message("/a", ",ii", bytes(4)), (0,), "ends before its last value"),
    ("half a double", message("/a", ",d", bytes(4)), (), "ends before its last value"),
    ("bytes behind", message("/a", ",i", bytes(4) + b"abcd"), (0,), "4 bytes follow"),
    ("no end of a text", message("/a", ",s", b"abcd"), (), "does not end"),
    ("no end of the address", b"/abc", (), "does not end"),
    ("no address", text("a") + text(","), (), "does not begin with an address"),
    ("a blob below zero", message("/a", ",b", b"\xff\xff\xff\xfc"), (), "claims -4 bytes"),
    ("a huge blob", message("/a", ",b", b"\x7f\xff\xff\xff"), (), "ends before its last value"),
    ("an open array", message("/a", ",[i", bytes(4)), ([0],), "does not end"),
    ("a closed array", message("/a", ",]"), (), "never began"),
    ("deep arrays", message("/a", "," + "[" * 60_000), (), "type tags are too many"),
    ("deeper arrays", message("/a", "," + "[" * (MAX_NESTING + 1) + "]" * (MAX_NESTING + 1)), None, "nested more"),
    ("many values", message("/a", "," + "T" * (MAX_VALUES + 1)), (), "type tags are too many"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("packet", "values", "words"), [case[1:] for case in UNUSABLE], ids=[case[0] for case in UNUSABLE]
)
def test_a_message_that_cannot_be_used_is_refused_alone(packet, values, words):
    good = message("/bridge/status")
    before, bad, after = messages_in(bundle(good, packet, good))
    assert (before.problem, after.problem) == (None, None)
    assert bad.problem is not None
    assert bad.problem.code is ErrorCode.BAD_MESSAGE
    assert words in bad.problem.sentence
    assert bad.problem.remedy
    if values is not None:
        assert bad.values == values


def element(size):
    return BEGIN + struct.pack(">i", size)


BROKEN = [
    ("empty", b"", "it is empty"),
    ("20 bytes that hung the server", element(-4), "claims -4 bytes of 0"),
    ("the least size", element(-(2**31)), "claims -2147483648"),
    ("the largest size", element(2**31 - 1), "claims 2147483647"),
    ("one too many", element(8) + bytes(4), "claims 8 bytes of 4"),
    ("no multiple of four", element(3) + bytes(4), "claims 3 bytes"),
    ("a negative one inside", bundle(message(), element(-20), message()), "claims -20"),
    ("back to the beginning", bundle(message(), element(-40)), "claims -40"),
    ("larger than its bundle", bundle(element(12) + bytes(4), message()), "claims 12 bytes of 4"),
    ("odd", message() + b"\0", "multiple of four"),
    ("a bundle without a time", b"#bundle\0", "ends before its time tag"),
    ("one inside", bundle(b"#bundle\0\0\0\0\0"), "ends before its time tag"),
    ("nested", nested(MAX_DEPTH + 2), "nested more than 16"),
    ("nested 3000", nested(3000, message()), "nested more than 16"),
    ("64 KB of nothing", BEGIN + bytes(64_000), "more than 4096 elements"),
    ("many", bundle(*[message()] * (MAX_ELEMENTS + 1)), "more than 4096 elements"),
]


@pytest.mark.parametrize(("packet", "words"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_frame_is_refused_whole(packet, words):
    with pytest.raises(ProtocolError) as raised:
        messages_in(packet)
    assert raised.value.code is ErrorCode.BAD_MESSAGE
    assert words in raised.value.sentence
    assert len(raised.value.sentence) < 200


def test_bundles_keep_the_order_of_their_messages():
    names = [f"/m{number}" for number in range(9)]
    a, b, c, d, e, f, g, h, i = (message(name) for name in names)
    packet = bundle(a, bundle(b, bundle(), bundle(c, d)), b"", bundle(bundle(e), f), g, bundle(h), i)
    assert [found.address for found in messages_in(packet)] == names
    assert messages_in(bundle()) == messages_in(nested(MAX_DEPTH)) == []
    assert len(messages_in(bundle(*[message()] * MAX_ELEMENTS))) == MAX_ELEMENTS


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 3))
@example(b"#bundle\0" * 30, 0)
def test_any_bytes_are_messages_or_a_refusal(data, wrapped):
    packet = data + bytes(-len(data) % 4)
    for _ in range(wrapped):
        packet = bundle(packet, packet[:8])
    with contextlib.suppress(ProtocolError):
        assert len(messages_in(packet)) <= len(packet) // 4


GOOD = bundle(
    message("/bridge/repaint", ",ssifT[ih]d", text("id1") + text("takes") + bytes(20) + bytes(8)),
    bundle(message("/bridge/status"), message("/bridge/tempo", ",d", struct.pack(">d", 120.5))),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_packet_with_bytes_changed_is_read_at_once_and_as_python_osc_reads_it(changes):
    packet = bytearray(GOOD)
    for where, byte in changes:
        packet[where] = byte
    began = time.process_time()
    try:
        found = messages_in(bytes(packet))
    except ProtocolError:
        return  # python-osc might read it for ever
    assert time.process_time() - began < 0.05
    if any(one.problem is not None for one in found):
        return
    try:
        theirs = [timed.message for timed in TheirPacket(bytes(packet)).messages]
    except Exception:  # it knows fewer tags and encodings
        return
    # Theirs are sorted by time, and lack what it calls unhandled.
    known = {found.address: found.values for found in found}
    for other in theirs:
        assert isinstance(other, TheirMessage)
        assert other.address in known


def test_python_osc_reads_the_good_packet_alike():
    theirs = [(timed.message.address, tuple(timed.message.params)) for timed in TheirPacket(GOOD).messages]
    assert [(found.address, found.values) for found in messages_in(GOOD)] == theirs


def test_the_work_grows_with_the_length_only():
    """64 KB of the worst kinds each take a few milliseconds; python-osc copied the rest of a packet at every value."""
    kinds = [
        bundle(*[message("/bridge/repain")] * 2000),
        message("/a", "," + "[" * 65_000),
        message("/a", "," + "i" * 12_000, bytes(48_000)),
        BEGIN + bytes(64_000),
        nested(2500, message()),
    ]
    for packet in kinds:
        began = time.process_time()
        with contextlib.suppress(ProtocolError):
            messages_in(packet)
        assert time.process_time() - began < 0.2
