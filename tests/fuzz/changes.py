"""Damage to valid inputs: what a change does to bytes, drawn at random or by hypothesis.

A change is four whole numbers, so that both can draw it and hypothesis can shrink it. What they mean depends on the
input they meet: places are fractions of its length, values are looked up in tables of what breaks readers.
"""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hypothesis import strategies as st

FULL = 1 << 16  # the end of the input, of a table, of a length
MAX_CHANGES = 6


class Change(NamedTuple):
    """kind: which of CHANGES; where, what, much: 0 to FULL - 1."""

    kind: int
    where: int
    what: int
    much: int


class Material(NamedTuple):
    """What changes may take from: other valid inputs, and words that mean something to the reader."""

    seeds: Sequence[bytes]
    words: Sequence[bytes]


NUMBERS = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    15,
    16,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFF0000,
    0x7FFFFFFE,
    0x7FFFFFFF,
    0x80000000,
    0x80000001,
    0xFFFFFFF0,
    0xFFFFFFFC,
    0xFFFFFFFF,
    1 << 32,
    1 << 36,
    (1 << 53) + 1,
    (1 << 62) - 1,
    1 << 62,
    (1 << 63) - 1,
    1 << 63,
    (1 << 64) - 2,
    (1 << 64) - 1,
)
"""Sizes and counts at which readers turn over."""

FORMS = (">H", "<H", ">I", "<I", ">Q", "<Q", ">d", "<d", ">f", "<f")

FLOATS = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    1e-300,
    1e30,
    -1e30,
    1e300,
    float("inf"),
    float("-inf"),
    float("nan"),
    2.0**31,
    2.0**63,
)

TEXTS = (
    b"-1",
    b"0",
    b"1",
    b"-0",
    b"1e5",
    b"1e999",
    b"-1e999",
    b"1e-999",
    b"0.1",
    b"1e308",
    b"4294967296",
    b"9007199254740993",
    b"18446744073709551616",
    b"9" * 40,
    b"9" * 400,
    b"9" * 5000,
    b"0x10",
    b"1_000",
    b"NaN",
    b"Infinity",
    b"null",
    b"true",
    b"false",
    b'""',
    b"[]",
    b"{}",
    b"[[]]",
    b'{"a":{}}',
    b'"\\ud800"',
    b'"\\u0000"',
    b'"\xff"',
    b"\xff\xfe",
    b"\x00",
    b"\r\n",
    b"\n",
    b"\\",
    b"'",
    b'"',
    b"%00",
    b"%2e%2e%2f",
    b"../",
    b"/",
    b"\xe2\x80\x91",
    b"\xc2\xa0",
    b"\xef\xbc\x91",
    b"\xf0\x9f\x8e\xb5",
    b" ",
    b"\t",
    b",",
    b";",
    b"-",
    b"[" * 20,
    b"[" * 2000,
    b'{"a":' * 2000,
    b"(" * 50,
    b"a" * 300,
    b"1|1|0",
    b"1/3",
    b"17-20",
    b"120 bpm",
    b"00:00:01:00@25",
)

_DIGITS = re.compile(rb"-?\d+(?:\.\d+)?")
_TOKEN = re.compile(rb'"[^"]*"|[\w.+-]+|[\[\]{}]')


def place(share: int, length: int) -> int:
    """A place in something of that length: 0 to length."""
    return share * (length + 1) // FULL


def pick(share: int, table: Sequence[bytes]) -> bytes:
    return table[share * len(table) // FULL]


def stretch(change: Change, data: bytes) -> tuple[int, int]:
    """A stretch of the data: short ones are likelier."""
    begin = place(change.where, len(data))
    most = len(data) - begin
    return begin, begin + place(change.much * change.much // FULL, most)


def truncate(data: bytes, change: Change, _: Material) -> bytes:
    return data[: place(change.where, len(data))]


def flip(data: bytes, change: Change, _: Material) -> bytes:
    at = place(change.where, max(0, len(data) - 1))
    return data[:at] + bytes(byte ^ 1 << change.what % 8 for byte in data[at : at + 1]) + data[at + 1 :]


def overwrite(data: bytes, change: Change, _: Material) -> bytes:
    begin, end = stretch(change, data)
    return data[:begin] + bytes([change.what & 0xFF]) * (end - begin) + data[end:]


def remove(data: bytes, change: Change, _: Material) -> bytes:
    begin, end = stretch(change, data)
    return data[:begin] + data[max(end, begin + 1) :]


def repeat(data: bytes, change: Change, _: Material) -> bytes:
    begin, end = stretch(change, data)
    times = 1 << change.what % 12
    return data[:begin] + data[begin:end] * min(times, 1 + (1 << 16) // max(1, end - begin)) + data[end:]


def insert(data: bytes, change: Change, material: Material) -> bytes:
    at = place(change.where, len(data))
    words = material.words if change.much & 1 and material.words else TEXTS
    return data[:at] + pick(change.what, words) + data[at:]


def number(data: bytes, change: Change, _: Material) -> bytes:
    """Another number over some bytes, often one near the length of the data, which is where checks are off by one."""
    form = FORMS[change.much % len(FORMS)]
    if form[1] in "df":
        value = struct.pack(form, FLOATS[change.what % len(FLOATS)] if form[1] == "d" else float(change.what))
    else:
        size = struct.calcsize(form)
        near = len(data) - 16 + change.what % 32
        chosen = near if change.what & 1 else NUMBERS[change.what * len(NUMBERS) // FULL]
        value = struct.pack(form, chosen % (1 << 8 * size))
    at = place(change.where, len(data)) & ~(change.much >> 8 & 3)  # aligned, as numbers in files often are
    return data[:at] + value + data[at + len(value) :]


def grow(data: bytes, change: Change, _: Material) -> bytes:
    """A number in the data a little larger or smaller."""
    form = FORMS[change.much % 6]
    at = place(change.where, len(data)) & ~(change.much >> 8 & 3)
    if at + struct.calcsize(form) > len(data):
        return data
    (value,) = struct.unpack_from(form, data, at)
    other = (value + change.what % 33 - 16) % (1 << 8 * struct.calcsize(form))
    return data[:at] + struct.pack(form, other) + data[at + struct.calcsize(form) :]


def join(data: bytes, change: Change, material: Material) -> bytes:
    """The beginning of this and the end of another input."""
    other = pick(change.what, material.seeds)
    return data[: place(change.where, len(data))] + other[place(change.much, len(other)) :]


def swap(data: bytes, change: Change, _: Material) -> bytes:
    begin, end = stretch(change, data)
    at = place(change.what, len(data))
    if at < begin:
        return data[:at] + data[begin:end] + data[at:begin] + data[end:]
    return data[:begin] + data[end : max(at, end)] + data[begin:end] + data[max(at, end) :]


def _another(found: re.Pattern[bytes], data: bytes, change: Change, table: Sequence[bytes]) -> bytes:
    begin = place(change.where, len(data))
    match = found.search(data, begin) or found.search(data)
    if match is None:
        return data
    return data[: match.start()] + pick(change.what, table) + data[match.end() :]


def written_number(data: bytes, change: Change, _: Material) -> bytes:
    return _another(_DIGITS, data, change, TEXTS)


def token(data: bytes, change: Change, material: Material) -> bytes:
    words = material.words if change.much & 1 and material.words else TEXTS
    return _another(_TOKEN, data, change, words)


CHANGES: tuple[Callable[[bytes, Change, Material], bytes], ...] = (
    truncate,
    flip,
    flip,
    overwrite,
    remove,
    repeat,
    insert,
    number,
    number,
    grow,
    join,
    swap,
    written_number,
    token,
)


def changed(seed: bytes, changes: Sequence[Change], material: Material, most: int) -> bytes:
    """The input after all changes, at most so many bytes long."""
    for change in changes:
        seed = CHANGES[change.kind % len(CHANGES)](seed, change, material)[:most]
    return seed[:most]


def random_input(draw: random.Random, material: Material, most: int) -> bytes:
    """A valid input with one to MAX_CHANGES changes; now and then it has none, or is nothing but noise."""
    if not draw.randrange(100):
        return draw.randbytes(draw.randrange(200))
    count = min(MAX_CHANGES, int(draw.expovariate(0.5)) + bool(draw.randrange(50)))
    drawn = draw.getrandbits(64 * count) if count else 0
    changes = [
        Change(*(drawn >> 64 * index + 16 * part & 0xFFFF for part in range(4))) for index in range(count)
    ]
    return changed(material.seeds[draw.randrange(len(material.seeds))], changes, material, most)


def inputs(material: Material, most: int) -> st.SearchStrategy[bytes]:
    """The same for hypothesis, which shrinks towards an unchanged valid input. Changes are drawn as the bytes they
    are made of, which is several times faster."""

    def made(seed: bytes, drawn: bytes) -> bytes:
        whole = len(drawn) // _DRAWN.size * _DRAWN.size
        return changed(seed, [Change(*part) for part in _DRAWN.iter_unpack(drawn[:whole])], material, most)

    return st.builds(made, st.sampled_from(material.seeds), st.binary(max_size=MAX_CHANGES * _DRAWN.size))


_DRAWN = struct.Struct(">4H")
