"""Where the sound lies in a Creative Voice file: in blocks, whose headers libsndfile reads as samples.

Layout: Creative Labs, "The .VOC file format" (1994). Blocks of silence count; text, markers and loops do not.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from clip_store.audio.pieced_file import Stretch
from clip_store.audio.riff import MAX_CHUNKS

MAGIC = b"Creative Voice File\x1a"

_END, _SOUND, _MORE, _SILENCE, _STEREO, _NEW_SOUND = 0, 1, 2, 3, 8, 9
_CODES = {0: ("PCM_U8", 1), 4: ("PCM_16", 2), 6: ("ALAW", 1), 7: ("ULAW", 1)}
_SILENT = {"PCM_U8": b"\x80", "PCM_16": b"\0", "ALAW": b"\xd5", "ULAW": b"\xff"}
_MAX_SILENCE = 1 << 26
"""Bytes of silence that are believed of a file: blocks of a few bytes may ask for any length, each of them again."""


class _Form(NamedTuple):
    rate: int
    channels: int
    subtype: str
    frame_bytes: int


@dataclass(frozen=True)
class VocStream:
    """pieces: samples alone, of one form. cut_off: the last block is. changes: sound in another form follows."""

    pieces: tuple[bytes | Stretch, ...]
    rate: int
    channels: int
    subtype: str
    cut_off: bool
    changes: bool


def read_stream(file: BinaryIO) -> VocStream | None:
    """None when there is no sound, or in a code we do not know. Raises ValueError, struct.error for damaged blocks."""
    file.seek(20)
    (position,) = struct.unpack("<H", file.read(2))
    end = file.seek(0, 2)
    pieces: list[bytes | Stretch] = []
    form: _Form | None = None
    stereo: _Form | None = None
    cut_off = changes = False
    silent = 0  # bytes of silence so far
    for _ in range(MAX_CHUNKS):
        if position + 4 > end:
            break
        file.seek(position)
        kind, size = struct.unpack("<BI", file.read(4) + b"\0")
        if kind == _END:
            break
        head, start, position = file.read(min(size, 12)), position + 4, position + 4 + size
        if kind == _STEREO:
            stereo = _extended(head)
        if kind in (_SOUND, _NEW_SOUND):
            new = stereo or (_sound(head) if kind == _SOUND else _new_sound(head))
            stereo = None
            if new is None or form not in (None, new):
                changes = form is not None
                break
            form = new
        if kind == _SILENCE and form is not None:
            pieces.append(_silence(head, form, _MAX_SILENCE - silent))
            silent += len(pieces[-1])
        elif kind in (_SOUND, _MORE, _NEW_SOUND):
            begin = start + {_SOUND: 2, _MORE: 0, _NEW_SOUND: 12}[kind]
            cut_off = position > end
            pieces.append(Stretch(begin, max(0, min(position, end) - begin)))
    if form is None or not pieces:
        return None
    return VocStream(tuple(pieces), form.rate, form.channels, form.subtype, cut_off, changes)


def _form(rate: int, channels: int, code: int) -> _Form | None:
    subtype, size = _CODES.get(code, ("", 0))
    return _Form(rate, channels, subtype, size * channels) if subtype and channels else None


def _sound(head: bytes) -> _Form | None:
    divisor, code = struct.unpack_from("<BB", head)
    return _form(round(1_000_000 / (256 - divisor)), 1, code)


def _extended(head: bytes) -> _Form | None:
    """What this block says replaces what the next one does."""
    divisor, code, mode = struct.unpack_from("<HBB", head)
    return _form(round(256_000_000 / ((mode + 1) * (65_536 - divisor))), mode + 1, code)


def _new_sound(head: bytes) -> _Form | None:
    rate, _, channels, code = struct.unpack_from("<IBBH", head)
    return _form(rate, channels, code)


def _silence(head: bytes, form: _Form, most_bytes: int) -> bytes:
    """Silence as samples; its length is stated at a rate of its own."""
    length, divisor = struct.unpack_from("<HB", head)
    frames: int = round((length + 1) * form.rate * (256 - divisor) / 1_000_000)
    size: int = min(frames * form.frame_bytes, most_bytes // form.frame_bytes * form.frame_bytes)
    return _SILENT[form.subtype] * size
