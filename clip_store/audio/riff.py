"""The chunk layout of RIFF/WAVE files: walking through one, and building one.

Layout: Microsoft/IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991). RF64 and BW64
(EBU Tech 3306, ITU-R BS.2088) are read, never written. Knows chunks and the fmt fields, not what the others
mean.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from clip_store.audio.audio import Audio, Encoding, encoded_parts
from clip_store.errors import StoreError

MAX_RIFF = 0xFFFFFFFF
"""Largest size a RIFF header can state, in bytes."""

_WAVE_FORMAT_PCM = 1
_WAVE_FORMAT_IEEE_FLOAT = 3
_MAX_TEXT_CHUNK = 16 * 1024 * 1024
_UNKNOWN_SIZE = 0xFFFFFFFF


@dataclass(frozen=True)
class Chunk:
    """One chunk of a file: where its body begins, the size its header states and the bytes really there."""

    name: bytes
    start: int
    size: int
    present: int


@dataclass(frozen=True)
class WaveForm:
    """What a WAV file's header says of its sound. rate: in hertz."""

    frames: int
    rate: int
    channels: int
    encoding: Encoding

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * self.encoding.bits // 8

    @property
    def sound_bytes(self) -> int:
        """Bytes of all samples."""
        return self.frames * self.frame_bytes


def is_riff(file: BinaryIO) -> bool:
    """Whether the file begins like RIFF/WAVE, RF64 or BW64."""
    file.seek(0)
    head = file.read(12)
    return len(head) == 12 and head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:] == b"WAVE"


def walk(file: BinaryIO) -> Iterator[Chunk]:
    """The chunks of a RIFF/WAVE, RF64 or BW64 file in order, as far as the file reaches."""
    end = file.seek(0, 2)
    position = 12
    long_data: int | None = None
    while position + 8 <= end:
        file.seek(position)
        name, size = struct.unpack("<4sI", file.read(8))
        if name == b"ds64" and size >= 16:
            long_data = struct.unpack("<QQ", file.read(16))[1]
        if name == b"data" and size == _UNKNOWN_SIZE and long_data is not None:
            size = long_data
        start = position + 8
        yield Chunk(name, start, size, max(0, min(size, end - start)))
        position = start + size + (size & 1)  # chunks begin on even bytes


def read_chunk(path: Path, name: bytes) -> bytes | None:
    """The body of the first chunk of that name; None when the file has none or is not RIFF.

    Raises OSError when the file cannot be read.
    """
    with open(path, "rb") as file:
        if not is_riff(file):
            return None
        for chunk in walk(file):
            if chunk.name == name and chunk.present == chunk.size <= _MAX_TEXT_CHUNK:
                file.seek(chunk.start)
                return file.read(chunk.size)
    return None


def wave_parts(audio: Audio, chunks: Sequence[tuple[bytes, bytes]] = ()) -> Iterator[bytes]:
    """A WAV file, piece by piece: fmt, fact for floats, the given chunks (name, body), data.

    The same audio and chunks always give the same bytes. WAVE_FORMAT_EXTENSIBLE is not needed for one or two
    channels and is understood by fewer programs. RF64 is not written: no song within the server's limits
    comes near 4 GiB, and several DAWs refuse it.

    Raises StoreError when the file would pass 4 GiB.
    """
    form = WaveForm(audio.frames, audio.rate, audio.channels, audio.encoding)
    yield wave_head(form, chunks)
    yield struct.pack("<4sI", b"data", form.sound_bytes)
    yield from encoded_parts(audio)
    if form.sound_bytes & 1:
        yield b"\0"


def wave_head(form: WaveForm, chunks: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
    """What comes before the data chunk of a WAV file. Raises StoreError when the file would pass 4 GiB."""
    head = [(b"fmt ", _fmt(form))]
    if form.encoding.is_float:
        head.append((b"fact", struct.pack("<I", min(form.frames, MAX_RIFF))))
    front = b"".join(_chunk(name, body) for name, body in (*head, *chunks))
    total = 4 + len(front) + 8 + form.sound_bytes + (form.sound_bytes & 1)
    if total > MAX_RIFF:
        raise StoreError(
            f"A WAV file cannot hold more than 4 GiB; this audio needs {total / 2**30:.1f} GiB.",
            "Use a shorter region, a lower rate or 24-bit audio.",
        )
    return struct.pack("<4sI4s", b"RIFF", total, b"WAVE") + front


def _fmt(form: WaveForm) -> bytes:
    tag = _WAVE_FORMAT_IEEE_FLOAT if form.encoding.is_float else _WAVE_FORMAT_PCM
    size, bits = form.frame_bytes, form.encoding.bits
    body = struct.pack("<HHIIHH", tag, form.channels, form.rate, form.rate * size, size, bits)
    # Formats other than PCM state the size of their extension, here none.
    return body if tag == _WAVE_FORMAT_PCM else body + struct.pack("<H", 0)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", name, len(body)) + body + (b"\0" if len(body) & 1 else b"")
