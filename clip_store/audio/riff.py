"""The chunk layout of RIFF/WAVE files: walking through one, and building one.

Layout: Microsoft/IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991). RIFX (big-endian), RF64
and BW64 (EBU Tech 3306, ITU-R BS.2088) are read, never written. Knows chunks and the fmt fields, not what the others
mean. Reading follows the bytes, not the sizes: crashed recorders, pipes and programs without pad bytes leave sizes that
are not true, and a chunk behind them (the time stamp) still counts.
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

OPEN_SIZE = 0x7FFF0000
"""From here on, a size that the file does not reach is what programs write that cannot know it: 0x7FFFF000 (SoX),
0x7FFFFFFF, 0x80000000, 0xFFFFFFFF (ffmpeg). A song within the server's limits does not come near it."""

_RIFFS = (b"RIFF", b"RIFX", b"RF64", b"BW64")
_WAVE_FORMAT_PCM = 1
_WAVE_FORMAT_IEEE_FLOAT = 3
_MAX_TEXT_CHUNK = 16 * 1024 * 1024
_UNKNOWN_SIZE = 0xFFFFFFFF
_UNKNOWN_LONG = 1 << 62
_WAVE64_HEAD = 40  # to the first chunk
_MIN_UNCOUNTED = 4096
"""Bytes behind the stated end of the sound that are taken for more sound, not for leftovers of another program."""

_TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN", b"<?xpacket")
"""What programs append to any file, without a chunk around it."""


MAX_CHUNKS = 4096
"""A recorder writes a dozen. A file of nothing but empty chunks would keep its reader for as long as it is large."""

_USUAL = (
    b"LIST", b"bext", b"iXML", b"fmt ", b"data", b"fact", b"JUNK", b"id3 ", b"cue ", b"smpl", b"_PMX", b"axml",
)  # fmt: skip


@dataclass(frozen=True)
class Chunk:
    """One chunk of a file: where its body begins, the size its header states and the bytes that belong to it.

    present: fewer than `size` where the file is cut off; for sound, more where the stated size is not true.
    """

    name: bytes
    start: int
    size: int
    present: int

    @property
    def open(self) -> bool:
        """Whether the stated size promises nothing."""
        return self.size != self.present and (self.size == 0 or self.size >= OPEN_SIZE)


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
    """Whether the file begins like RIFF/WAVE, RIFX, RF64 or BW64."""
    file.seek(0)
    head = file.read(12)
    return len(head) == 12 and head[:4] in _RIFFS and head[8:] == b"WAVE"


def walk(file: BinaryIO) -> Iterator[Chunk]:
    """The chunks of a RIFF/WAVE, RIFX, RF64 or BW64 file in order, as far as the file reaches."""
    file.seek(0)
    order = ">" if file.read(4) == b"RIFX" else "<"
    return walk_chunks(file, 12, order, b"data")


def has_wave_list(file: BinaryIO) -> bool:
    """Whether sound is in pieces, with silence between them (Microsoft/IBM 1991, `LIST wavl`)."""
    for chunk in walk(file):
        file.seek(chunk.start)
        if chunk.name == b"LIST" and file.read(4) == b"wavl":
            return True
    return False


def walk_joined(file: BinaryIO) -> Iterator[Chunk]:
    """As `walk`, with the chunks of the WAV files that were joined to this one byte by byte."""
    for chunk in walk(file):
        yield chunk
        file.seek(max(0, chunk.start - 8))
        head = file.read(12)
        if head[:4] in _RIFFS and head[8:] == b"WAVE":
            yield from walk_chunks(file, chunk.start + 4, ">" if head[:4] == b"RIFX" else "<", b"data")


def walk_chunks(file: BinaryIO, first: int, order: str, sound: bytes) -> Iterator[Chunk]:
    """Chunks with 32-bit sizes from byte `first` on, MAX_CHUNKS at most. order: "<" or ">"; sound: the name of the
    samples' chunk."""
    end = file.seek(0, 2)
    position = first
    long_data: int | None = None
    for _ in range(MAX_CHUNKS):
        if position + 8 > end:
            return
        file.seek(position)
        name, size = struct.unpack(order + "4sI", file.read(8))
        start = position + 8
        if name == b"ds64":
            long_data = _long_size(file.read(min(size, 16)))
        if name == sound and size == _UNKNOWN_SIZE and long_data is not None:
            size = long_data
        present = max(0, min(size, end - start))
        if name == sound:
            present = _sound_bytes(file, start, size, end, order)
        yield Chunk(name, start, size, present)
        position = _next_chunk(file, start + (present if name == sound else size), start, end, order)


def walk_wave64(file: BinaryIO) -> Iterator[Chunk]:
    """The chunks of a Wave64 file (Sony, 1999): sizes of 64 bits that count their own header of 24 bytes."""
    end = file.seek(0, 2)
    position = _WAVE64_HEAD
    for _ in range(MAX_CHUNKS):
        if position + 24 > end:
            return
        file.seek(position)
        name, guid, size = struct.unpack("<4s12sQ", file.read(24))
        start, there = position + 24, end - position - 24
        stated = size - 24 if 24 <= size < _UNKNOWN_LONG else 0
        position = start + stated + -stated % 8
        present = min(stated, there)
        if name == b"data":
            file.seek(position + 4)
            follows = (
                position + 24 <= end and file.read(12) == guid
            )  # another chunk, by what all of them share
            uncounted = stated == 0 or there - stated >= _MIN_UNCOUNTED
            present = there if uncounted and not follows else present
            position = position if follows else end
        yield Chunk(name, start, stated, present)
        if size < 24:
            return


def _long_size(ds64: bytes) -> int | None:
    """The size of the sound in a ds64 chunk; None when it is too short to say."""
    return struct.unpack("<QQ", ds64)[1] if len(ds64) == 16 else None


def _sound_bytes(file: BinaryIO, start: int, size: int, end: int, order: str) -> int:
    """How many bytes from `start` on are sound, whatever the header states."""
    there = end - start
    if size >= there:
        return there
    rest = there - size
    if rest <= 1 or any(_is_chunk(file, start + size + pad, end, order) for pad in (size & 1, 0)):
        return size
    file.seek(start + size)
    head = file.read(_MIN_UNCOUNTED)
    if head.lstrip(b"\0").startswith(_TAGS):
        return size
    if size == 0:
        return there  # even where it begins with silence
    return there if rest >= _MIN_UNCOUNTED and head.strip(b"\0") else size


def _next_chunk(file: BinaryIO, after: int, start: int, end: int, order: str) -> int:
    """Where the next chunk begins: on an even byte, unless a program left the pad byte out.

    A pad byte is 0 and no name begins with that. Some programs write another; then a name everybody uses follows it.
    """
    odd = (after - start) & 1
    file.seek(after)
    first = file.read(5)
    unpadded = first[:1] != b"\0" and first[1:] not in _USUAL
    if odd and unpadded and _is_chunk(file, after, end, order):
        return after
    return after + odd


def _is_chunk(file: BinaryIO, position: int, end: int, order: str) -> bool:
    """Whether a chunk begins there: a name in printable ASCII and a size that fits, or a name everybody uses."""
    if position + 8 > end:
        return False
    file.seek(position)
    name, size = struct.unpack(order + "4sI", file.read(8))
    fits: bool = position + 8 + size <= end
    return name in _USUAL or (fits and all(0x20 <= byte < 0x7F for byte in name))


def read_chunk(path: Path, name: bytes) -> bytes | None:
    """The body of the first chunk of that name, as far as it is there; None when the file has none or is not RIFF.

    Raises OSError when the file cannot be read.
    """
    with open(path, "rb") as file:
        if not is_riff(file):
            return None
        for chunk in walk(file):
            if chunk.name == name and chunk.size <= _MAX_TEXT_CHUNK:
                file.seek(chunk.start)
                return file.read(chunk.present)
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
