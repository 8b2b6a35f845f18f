"""How many frames an MP3 stream has, counted: what decoders guess without a Xing header is wrong for variable rates.

Layout: ISO/IEC 11172-3 and 13818-3, 2.4.1.3; the Xing and Info header by LAME's "mp3 info tag", revision 1.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from clip_store.audio.byte_window import ByteWindow
from clip_store.audio.flac import id3_bytes

_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SEARCHED = 1 << 16
"""Bytes looked through for the first frame, and for the next one where a stream is damaged."""
_FRAMES_STATED, _BYTES_STATED = 1, 2
_ENOUGH = 4
"""Frames in a row that are a stream."""
DECODER_DELAY = 529
"""Samples between what goes into an MP3 decoder's filter bank and what comes out."""


class _Header(NamedTuple):
    """A frame's first four bytes, read. same: what all frames of one stream share."""

    length: int
    same: tuple[int, int, bool]
    side: int


class _Run(NamedTuple):
    """Frames of one stream, where they end, and whether a stream of another form follows."""

    frames: int
    end: int
    changes: bool


@dataclass(frozen=True)
class MpegStream:
    """frames: counted, without a frame that is only a header.

    stated: by the Xing or Info header; None without one.
    header: a frame that states the counted number; sound, end: where the bytes behind it begin and end.
    changes: a stream of another rate or layer follows, or of another number of channels.
    """

    frames: int
    stated: int | None
    header: bytes
    sound: int
    end: int
    changes: bool


def is_mpeg(file: BinaryIO) -> bool:
    """Whether two frames in a row begin the file, behind an ID3 tag if there is one."""
    return _first(ByteWindow(file, id3_bytes(file), _SEARCHED), 0) is not None


def read_stream(file: BinaryIO, start: int, end: int) -> MpegStream | None:
    """The stream between two bytes of a file; None when no frame is found."""
    if start == 0:
        start = min(id3_bytes(file), end)
    data = ByteWindow(file, start, end - start)
    first = _first(data, 0)
    if first is None:
        return None
    head = _header(data, first)
    assert head is not None, "it was found by its header"
    tag = first + 4 + head.side
    has_tag = data.part(tag, 4) in (b"Xing", b"Info")
    is_header = has_tag or data.part(first + 36, 4) == b"VBRI"
    begin = first + head.length if is_header else first
    run = _count(data, begin, head.same)
    stated = None
    header = _front(data.part(first, 4), head, run.frames)
    if has_tag:
        flags, number = struct.unpack(">II", data.part(tag + 4, 8).ljust(8, b"\0"))
        if flags & _FRAMES_STATED:
            stated = number
            # Only the numbers change: the rest says how many samples the encoder put around the sound.
            before, behind = data.part(first, tag + 8 - first), data.part(tag + 12, begin - tag - 12)
            header = before + struct.pack(">I", run.frames) + behind
            if flags & _BYTES_STATED:
                size = struct.pack(">I", min(run.end - first, 0xFFFFFFFF))
                header = header[: tag + 12 - first] + size + header[tag + 16 - first :]
    return MpegStream(run.frames, stated, header, start + begin, start + run.end, run.changes)


def _first(data: ByteWindow, at: int) -> int | None:
    """Where the first frame is that another one of the same stream follows (or the end)."""
    limit = min(len(data), at + _SEARCHED)
    while (at := data.find(b"\xff", at, limit)) >= 0:
        head = _header(data, at)
        if head is not None:
            follower = _header(data, at + head.length)
            if follower is not None and follower.same == head.same:
                return at
        at += 1
    return None


def stream_in(data: bytes) -> int | None:
    """Where a stream begins among other bytes: frames enough in a row that they are none by chance."""
    at, window = -1, ByteWindow(io.BytesIO(data), 0, len(data))
    while (at := data.find(b"\xff", at + 1)) >= 0:
        head = _header(window, at)
        if head is not None and _goes_on(window, at, head):
            return at
    return None


def _count(data: ByteWindow, at: int, same: tuple[int, int, bool]) -> _Run:
    """Whole frames of one stream from a byte on; damage in between is skipped."""
    count = 0
    while at + 4 <= len(data):
        head = _header(data, at)
        if head is not None and head.same == same:
            count += at + head.length <= len(data)
            at += head.length
            continue
        found = _first(data, at)
        if found is None:
            break
        again = _header(data, found)
        if again is not None and again.same != same and _goes_on(data, found, again):
            return _Run(count, found, True)
        at = found if again is not None and again.same == same else found + 1
    return _Run(count, len(data), False)


def _goes_on(data: ByteWindow, at: int, head: _Header) -> bool:
    """Whether a stream begins there, and not what only looks like two frames."""
    for _ in range(_ENOUGH):
        found = _header(data, at)
        if found is None or found.same != head.same:
            return False
        at += found.length
    return True


def _header(data: ByteWindow, at: int) -> _Header | None:
    """A layer III frame's header; None where there is none, or one of free bit rate, whose length is not stated."""
    return _header_of(data.part(at, 4))


def _header_of(four: bytes) -> _Header | None:
    if len(four) < 4 or four[0] != 0xFF or four[1] & 0xE6 != 0xE2:
        return None
    version, bits = four[1] >> 3 & 3, four[2]
    kbps, rate = bits >> 4, bits >> 2 & 3
    if version == 1 or kbps in (0, 15) or rate == 3:
        return None
    hertz = _RATES[version][rate]
    first = version == 3
    length = (144 if first else 72) * 1000 * (_KBPS_1 if first else _KBPS_2)[kbps] // hertz + (bits >> 1 & 1)
    mono = four[3] >> 6 == 3
    side = (17 if mono else 32) if first else (9 if mono else 17)
    return _Header(length, (version, hertz, mono), side)


def _front(first: bytes, head: _Header, frames: int) -> bytes:
    """A frame that states how many follow it, and a silent one. first: the header of a frame of the stream.

    Decoders that find such a header skip what they take for their own delay, DECODER_DELAY samples; without it no
    program does. The silent frame is all that is skipped here, so the sound stays where everybody has it.
    """
    bits = bytes([first[0], first[1] | 1, 0x90 | first[2] & 0x0C, first[3]])  # no checksum, 128 or 80 kbit/s
    silent = _header_of(bits)
    assert silent is not None, "it is made of a good one"
    samples = 1152 if head.same[0] == 3 else 576
    delay = (samples - DECODER_DELAY) << 12  # and no padding at the end
    lame = b"LAME3.100" + bytes(12) + delay.to_bytes(3, "big")
    body = b"Info" + struct.pack(">II", _FRAMES_STATED, frames + 1) + lame
    return (bits + bytes(head.side) + body).ljust(silent.length, b"\0") + bits.ljust(silent.length, b"\0")
