"""How many samples a FLAC stream has, by its last frame: what its header states is often unknown or not true.

Layout: RFC 9639, "Free Lossless Audio Codec". A stream written to a pipe states 0 samples; one whose writer died
states what it knew last. The last frame's header has the number of its first sample, so nothing need be decoded.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

MAGIC = b"fLaC"
STREAM_INFO, APPLICATION, VORBIS_COMMENT = 0, 2, 4

_INFO_BYTES = 34
_TOTAL_MASK = (1 << 36) - 1
_TAIL_BYTES = 1 << 19
"""More than the longest frame has: 65,535 samples of 24-bit stereo, not compressed, are 400 KB."""
_CANDIDATES = 8
_STREAM = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22(....)", re.DOTALL)
_STREAM_BYTES = 12
_SEARCHED = 1 << 20
_SYNC = re.compile(rb"\xff[\xf8\xf9]")
_BLOCK_SIZES = {1: 192, 2: 576, 3: 1152, 4: 2304, 5: 4608} | {
    code: 256 << (code - 8) for code in range(8, 16)
}
MAX_BLOCKS = 4096


@dataclass(frozen=True)
class FlacStream:
    """info: the body of STREAMINFO; stated: samples by it, 0 for unknown; body: where the bytes behind it begin.

    frames: samples per channel by the last frame; None when no frame was found. is_last: no other metadata follows.
    """

    info: bytes
    stated: int
    body: int
    frames: int | None
    is_last: bool = False

    def with_frames(self, frames: int) -> bytes:
        """The stream's first bytes, up to `body`, with that many samples stated."""
        (packed,) = struct.unpack(">Q", self.info[10:18])
        packed = (packed & ~_TOTAL_MASK) | (frames & _TOTAL_MASK)
        info = self.info[:10] + struct.pack(">Q", packed) + self.info[18:]
        return MAGIC + self._first_header + info

    @property
    def _first_header(self) -> bytes:
        return bytes([STREAM_INFO | (0x80 if self.is_last else 0)]) + _INFO_BYTES.to_bytes(3, "big")


class _Frame(NamedTuple):
    """A frame in the tail: its first byte, the number of its first sample and how many it has."""

    at: int
    first: int
    samples: int


def start_of(file: BinaryIO) -> int | None:
    """Where the stream begins: at the start, or behind an ID3 tag; None when this is no FLAC stream."""
    start = id3_bytes(file)
    file.seek(start)
    return start if file.read(4) == MAGIC else None


def starts(file: BinaryIO) -> list[int]:
    """Where the streams begin that lie one behind the other: one, unless files were joined byte by byte."""
    first = start_of(file)
    if first is None:
        return []
    found, position = [first], first + 4
    file.seek(position)
    before = b""
    while block := file.read(_SEARCHED):
        data = before + block
        for match in _STREAM.finditer(data):
            size_least, size_most = struct.unpack_from(">HH", match[1])
            if 16 <= size_least <= size_most:
                found.append(position - len(before) + match.start())
        position += len(block)
        before = data[-_STREAM_BYTES + 1 :]
    return found


def id3_bytes(file: BinaryIO, start: int = 0) -> int:
    """The length of an ID3v2 tag that begins there, with its footer; 0 without one."""
    file.seek(start)
    head = file.read(10)
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    size = 0
    for byte in head[6:]:
        size = size << 7 | byte & 0x7F
    return 10 + size + (10 if head[5] & 0x10 else 0)


def blocks(file: BinaryIO) -> Iterator[tuple[int, int, int, bool]]:
    """The metadata blocks, MAX_BLOCKS at most: (kind, where the body begins, its length, whether it is the last)."""
    start = start_of(file)
    if start is None:
        return
    position = start + 4
    for _ in range(MAX_BLOCKS):
        file.seek(position)
        head = file.read(4)
        if len(head) < 4:
            return
        kind, size = head[0] & 0x7F, int.from_bytes(head[1:], "big")
        yield kind, position + 4, size, bool(head[0] & 0x80)
        if head[0] & 0x80:
            return
        position += 4 + size


def read_stream(file: BinaryIO) -> FlacStream:
    """Raises ValueError when the stream does not begin with STREAMINFO."""
    found = list(blocks(file))
    if not found or found[0][0] != STREAM_INFO or found[0][2] != _INFO_BYTES:
        raise ValueError("the FLAC stream does not begin with its description")
    _, at, size, is_last = found[0]
    file.seek(at)
    info = file.read(size)
    if len(info) < size:
        raise ValueError("the FLAC stream ends within its description")
    (packed,) = struct.unpack(">Q", info[10:18])
    stated = packed & _TOTAL_MASK
    _, last_at, last_size, _ = found[-1]
    frames = _count(file, last_at + last_size, info, stated)
    return FlacStream(info, stated, at + size, frames, is_last)


def _count(file: BinaryIO, sound: int, info: bytes, stated: int) -> int | None:
    """Samples up to the end of the last whole frame."""
    end = file.seek(0, 2)
    file.seek(max(sound, end - 128))
    if file.read(3) == b"TAG":  # ID3v1, always 128 bytes
        end = max(sound, end - 128)
    begin = max(sound, end - _TAIL_BYTES)
    file.seek(begin)
    tail = file.read(end - begin)
    found = [frame for match in _SYNC.finditer(tail) if (frame := _frame(tail, match.start(), info))]
    if found and found[-1].first + found[-1].samples == stated:
        return stated  # two that agree need no proof
    stop = len(tail)
    for frame in reversed(found[-_CANDIDATES:]):
        if _crc16(tail[frame.at : stop]) == 0:  # the frame ends where the next one begins, or the file
            return frame.first + frame.samples
        if _crc16(tail[frame.at :]) != 0:
            stop = frame.at
    return None


def _frame(tail: bytes, at: int, info: bytes) -> _Frame | None:
    """The frame whose header begins there; None when these bytes are none of this stream (RFC 9639, 9.1)."""
    head = tail[at : at + 16]
    if len(head) < 6:
        return None
    block, rate, channels = head[2] >> 4, head[2] & 15, head[3] >> 4
    if block == 0 or rate == 15 or channels > 10 or head[3] & 1:
        return None
    number, used = _coded_number(head[4:])
    extra = {6: 1, 7: 2}.get(block, 0)
    rate_bytes = {12: 1, 13: 2, 14: 2}.get(rate, 0)
    length = 4 + used + extra + rate_bytes
    if used == 0 or len(head) <= length or _crc8(head[:length]) != head[length]:
        return None
    stated = int.from_bytes(head[4 + used : 4 + used + extra], "big") + 1
    samples = stated if extra else _BLOCK_SIZES[block]
    least = struct.unpack(">H", info[:2])[0]
    return _Frame(at, number if head[1] & 1 else number * least, samples)


def _coded_number(data: bytes) -> tuple[int, int]:
    """A number coded like UTF-8, up to 36 bits, and the bytes it takes; (0, 0) when it is none."""
    first = data[0]
    if first < 0x80:
        return first, 1
    length = 8 - (first ^ 0xFF).bit_length() if first != 0xFF else 0
    if not 2 <= length <= 7 or len(data) < length:
        return 0, 0
    number = first & (0x7F >> length)
    for byte in data[1:length]:
        if byte & 0xC0 != 0x80:
            return 0, 0
        number = number << 6 | byte & 0x3F
    return number, length


def _crc_table(polynomial: int, bits: int) -> tuple[int, ...]:
    top, mask = 1 << (bits - 1), (1 << bits) - 1
    table = []
    for byte in range(256):
        value = byte << (bits - 8)
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        table.append(value)
    return tuple(table)


_CRC8 = _crc_table(0x07, 8)
_CRC16 = _crc_table(0x8005, 16)


def _crc8(data: bytes) -> int:
    value = 0
    for byte in data:
        value = _CRC8[value ^ byte]
    return value


def _crc16(data: bytes) -> int:
    """0 for a whole frame, whose last two bytes are its own checksum."""
    value = 0
    for byte in data:
        value = (value << 8 & 0xFFFF) ^ _CRC16[value >> 8 ^ byte]
    return value
