"""Where on the timeline a file says it begins: its time stamp, wherever programs keep one.

Broadcast WAVs have it in `bext`. Programs that convert those (ffmpeg) keep it as a tag `time_reference`: in the
comments of FLAC and Ogg files, in ID3 tags of MP3, WAV and AIFF files, in a CAF's info chunk. In samples at the file's
own rate.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from clip_store.audio import flac
from clip_store.audio.riff import MAX_CHUNKS, is_riff, walk, walk_chunks

TAG = "time_reference"
MIN_BEXT = 346
"""Bytes of a bext chunk up to the end of its TimeReference (EBU Tech 3285, 2.3)."""

UNSET = (0xFFFF_FFFF_FFFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0xFFFF_FFFF, 0x7FFF_FFFF)
"""What programs write that have no position to give."""

_MAX_SAMPLES = 1 << 40
"""66 days at 192 kHz, on both sides of zero: anything beyond is no position."""
_MAX_TEXT = 1 << 22

UNREADABLE = "The file's time stamp cannot be read; the file is taken to have none."


@dataclass(frozen=True)
class TimeStamp:
    """samples: the position, which may lie before zero; None without a stamp. note: what was wrong with it."""

    samples: int | None = None
    note: str = ""


def read_stamp(file: BinaryIO) -> TimeStamp:
    """Raises OSError when the file cannot be read."""
    found = _found(file)
    return TimeStamp() if found is None else found


def _found(file: BinaryIO) -> TimeStamp | None:
    file.seek(0)
    magic = file.read(12)
    if is_riff(file):
        return _in_wave(file)
    try:
        if magic.startswith(b"FORM"):
            bodies = (
                _body(file, c.start, c.present)
                for c in walk_chunks(file, 12, ">", b"SSND")
                if c.name == b"ID3 "
            )
            return next((_in_id3(body) for body in bodies), None)
        if magic.startswith(b"caff"):
            return _in_caf(file)
        if flac.start_of(file) is not None:
            return _in_flac(file)
        if magic.startswith(b"OggS"):
            data = _body(file, 0, 1 << 16)
            at = data.find(b"\x03vorbis") + 7 if b"\x03vorbis" in data else data.find(b"OpusTags") + 8
            return _in_comments(data[at:]) if at > 7 else None
        if magic.startswith(b"ID3"):
            return _in_id3(_body(file, 0, flac.id3_bytes(file)))
    except (ValueError, struct.error, IndexError):
        return None  # tags nobody can read are no reason to refuse the sound
    return None


def _in_wave(file: BinaryIO) -> TimeStamp | None:
    """The last position that is given, as other readers have it: of several `bext` chunks some may be empty."""
    found: list[TimeStamp | None] = []
    for chunk in walk(file):
        if chunk.name == b"bext":
            body = _body(file, chunk.start, min(chunk.present, MIN_BEXT))
            whole = len(body) == MIN_BEXT
            found.append(
                stamp_of(*struct.unpack_from("<Q", body, 338)) if whole else TimeStamp(None, UNREADABLE)
            )
        elif chunk.name in (b"id3 ", b"ID3 "):
            found.insert(0, _in_id3(_body(file, chunk.start, chunk.present)))
    given = [stamp for stamp in found if stamp is not None]
    return next(
        (stamp for stamp in reversed(given) if stamp.samples is not None), next(reversed(given), None)
    )


def stamp_of(number: int) -> TimeStamp:
    """The position a stored number stands for: unsigned by the standard, but some write positions before zero."""
    if number in UNSET:
        return TimeStamp()
    signed = number - (1 << 64) if number >= 1 << 63 else number
    if abs(signed) > _MAX_SAMPLES:
        return TimeStamp(
            None, f"The file's time stamp, {number} samples, is no position; the file is taken to have none."
        )
    return TimeStamp(signed)


def _body(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(min(length, _MAX_TEXT))


def _in_flac(file: BinaryIO) -> TimeStamp | None:
    for kind, start, size, _ in flac.blocks(file):
        if kind == flac.VORBIS_COMMENT:
            return _in_comments(_body(file, start, size))
    return None


def _in_comments(data: bytes) -> TimeStamp | None:
    """Vorbis comments (Xiph.Org, "Ogg Vorbis I format specification: comment field")."""
    (vendor,) = struct.unpack_from("<I", data)
    at = 4 + vendor
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    for _ in range(min(count, 10_000)):
        (length,) = struct.unpack_from("<I", data, at)
        name, _, text = data[at + 4 : at + 4 + length].decode("utf-8", "replace").partition("=")
        if name.lower() == TAG:
            return _of_text(text)
        at += 4 + length
    return None


def _in_caf(file: BinaryIO) -> TimeStamp | None:
    """CAF's info chunk: a count, then names and texts, each with a zero at its end."""
    end = file.seek(0, 2)
    position = 8
    for _ in range(MAX_CHUNKS):
        if position + 12 > end:
            break
        file.seek(position)
        name, size = struct.unpack(">4sq", file.read(12))
        if name == b"info":
            texts = _body(file, position + 16, size - 4).split(b"\0")
            pairs = dict(zip(texts[::2], texts[1::2], strict=False))
            text = pairs.get(TAG.encode())
            return None if text is None else _of_text(text.decode("utf-8", "replace"))
        if size < 0:
            return None
        position += 12 + size
    return None


def _in_id3(data: bytes) -> TimeStamp | None:
    """The user's text of that name in an ID3v2.3 or 2.4 tag (id3.org)."""
    if len(data) < 10 or data[:3] != b"ID3":
        return None
    for name, body in _id3_frames(data):
        if name == b"TXXX" and body:
            coding = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}.get(body[0], "latin-1")
            key, _, text = body[1:].decode(coding, "replace").partition("\0")
            if key.lstrip("\ufeff").lower() == TAG:
                return _of_text(text.lstrip("\ufeff"))
    return None


def _id3_frames(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 10
    while at + 10 <= len(data) and data[at] != 0:
        name = data[at : at + 4]
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        if data[3] == 4:  # seven bits a byte
            size = sum((data[at + 4 + index] & 0x7F) << 7 * (3 - index) for index in range(4))
        yield name, data[at + 10 : at + 10 + size]
        at += 10 + size


def _of_text(text: str) -> TimeStamp:
    digits = re.fullmatch(r"\s*(-?\d{1,20})\s*\0*", text)
    if digits is None:
        return TimeStamp(None, UNREADABLE)
    return stamp_of(int(digits[1]) % (1 << 64))
