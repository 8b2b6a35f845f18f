"""Where the sound lies in a file, read from its bytes: for files whose headers a decoder must not believe.

A `Layout` says how the file has to be presented to the decoder, and what a producer should know about it. Each kind of
container has one function; `layout_of` chooses by the first bytes.
"""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO

from clip_store.audio import flac, mpeg, ogg, voc
from clip_store.audio.pieced_file import PiecedFile, Stretch
from clip_store.audio.riff import (
    MAX_CHUNKS,
    MAX_RIFF,
    Chunk,
    has_wave_list,
    is_riff,
    walk_chunks,
    walk_joined,
    walk_wave64,
)
from clip_store.audio.wave_format import mended

_MPEG_IN_WAVE = 0x55
_PCM_TAGS = (1, 3, 6, 7, 0xFFFE)  # integers, floats, A-law, mu-law, and the extensible form of these

JOINED = "The file has {count} data chunks; they were joined in order."
OTHER_FORM = "The file changes its format in the middle; only the sound in its first format was read."
NEVER_FINISHED = (
    "The file's header gives no length (the recording was never finished, or came through a pipe); "
    "all the sound that is there was read."
)
SHORT_PROMISE = "The file's header promises less sound than there is; all of it was read."
CHAINED = "The file holds {count} streams, one behind the other; they were joined in order."
WAVE_LIST = "its sound is in pieces, in a wave list, which other programs do not read either"
JUNK = "The file has {count} bytes in front of its sound that are no sound; they were skipped."
OTHER_STREAM = (
    "After {seconds:.3f} s the file goes on with sound of another form ({form}); "
    "only the sound before it ({first}) was read."
)

Piece = bytes | Stretch


@dataclass(frozen=True)
class Raw:
    """Samples without a header, described for libsndfile."""

    rate: int
    channels: int
    subtype: str
    endian: str


@dataclass(frozen=True)
class Layout:
    """How a file's sound is to be decoded.

    pieces:  what the decoder is given instead of the file; None: the file as it is.
    raw:     how to read the pieces when they are samples alone.
    cut_off: the header promises sound that is not there.
    notes:   what a producer should know.
    mpeg:    the sound is an MP3 stream: decoders lose some frames at its ends.
    fault:   why the sound cannot be read, where decoders find no words for it.
    more:    pieces of the streams behind the first, each to be decoded on its own.
    start:   where the sound begins that something else lies in front of.
    """

    pieces: tuple[Piece, ...] | None = None
    raw: Raw | None = None
    cut_off: bool = False
    notes: tuple[str, ...] = ()
    mpeg: bool = False
    fault: str = ""
    more: tuple[tuple[Piece, ...], ...] = ()
    start: int = 0


def layout_of(file: BinaryIO) -> Layout:
    """Raises ValueError or struct.error for headers that make no sense; the decoder then has the last word."""
    file.seek(0)
    head = file.read(12)
    if is_riff(file):
        return _wave(file)
    for magic, read in _CONTAINERS.items():
        if head.startswith(magic):
            return read(file)
    if flac.start_of(file) is not None:
        return _flac(file)
    return _mpeg(file, Stretch(0, file.seek(0, 2))) if mpeg.is_mpeg(file) else Layout()


def layout_behind(file: BinaryIO, start: int, tags: int) -> Layout:
    """As `layout_of` for the file that begins at a byte of this one. tags: where those in front of it end."""
    whole = Stretch(start, file.seek(0, 2) - start)
    found = layout_of(io.BufferedReader(PiecedFile(file, (whole,))))
    return replace(
        found,
        pieces=_moved(found.pieces, start) if found.pieces is not None else (whole,),
        more=tuple(_moved(pieces, start) for pieces in found.more),
        notes=((JUNK.format(count=start - tags),) if start > tags else ()) + found.notes,
        start=start,
    )


def _moved(pieces: tuple[Piece, ...], start: int) -> tuple[Piece, ...]:
    return tuple(
        piece if isinstance(piece, bytes) else Stretch(piece.start + start, piece.length) for piece in pieces
    )


def _note(chunk: Chunk) -> tuple[str, ...]:
    """What is wrong with the stated length of the sound."""
    if chunk.open:
        return (NEVER_FINISHED,)
    return (SHORT_PROMISE,) if chunk.present > chunk.size else ()


def _wave(file: BinaryIO) -> Layout:
    """RIFF, RIFX, RF64 and BW64: with a true RIFF header in front where the file's own is not."""
    file.seek(0)
    kind = file.read(4)
    bodies: dict[bytes, bytes] = {}
    sound: list[Chunk] = []
    # Decoders stumble over tables in `ds64` that are not there, and do not know BW64.
    is_plain, due = kind not in (b"RF64", b"BW64"), 12
    order = ">" if kind == b"RIFX" else "<"
    is_other, changes = False, False  # whether the sound that comes is in a second format; whether any was
    for chunk in walk_joined(file):
        # Without a pad byte before the sound, a decoder loses its way to it.
        is_plain = is_plain and (bool(sound) or chunk.start - 8 == due)
        due = chunk.start + chunk.size + (chunk.size & 1)
        if chunk.name == b"data" and is_other:
            changes = True
        elif chunk.name == b"data":
            sound.append(chunk)
        elif chunk.name in (b"fmt ", b"fact") and chunk.size <= 4096:
            file.seek(chunk.start)
            body = file.read(chunk.present)
            first = bodies.setdefault(chunk.name, body)
            if chunk.name == b"fmt ":
                is_other = bool(sound) and body != first
                is_plain = is_plain and not sound and first is body  # one format, in front of the sound
    form, fault = mended(bodies.get(b"fmt ", b""), order)
    if fault or not sound:
        return Layout(fault=fault or (WAVE_LIST if has_wave_list(file) else "it has a header, but no sound"))
    is_plain = is_plain and form == bodies[b"fmt "]
    notes = tuple(dict.fromkeys(note for chunk in sound for note in _note(chunk)))
    if sum(chunk.present > 0 for chunk in sound) > 1:
        notes += (JOINED.format(count=len(sound)),)
    if changes:
        notes += (OTHER_FORM,)
    cut_off = any(chunk.present < chunk.size and not chunk.open for chunk in sound)
    stretches = [Stretch(chunk.start, chunk.present) for chunk in sound if chunk.present]
    (tag,) = struct.unpack_from(order + "H", form)
    if tag == _MPEG_IN_WAVE and len(stretches) == 1:
        found = _mpeg(file, stretches[0])
        return Layout(
            found.pieces or (stretches[0],), None, cut_off or found.cut_off, notes + found.notes, True
        )
    if (is_plain and not notes and len(sound) == 1) or cut_off or not stretches:
        return Layout(cut_off=cut_off, notes=notes)
    # The number of samples in `fact` belongs to the header that is not true; coded sound needs one, samples do not.
    fact = bodies.get(b"fact") if tag not in _PCM_TAGS and len(sound) == 1 else None
    return Layout(
        (_wave_header(kind, order, form, fact, sum(part.length for part in stretches)), *stretches),
        notes=notes,
    )


def _wave_header(kind: bytes, order: str, form: bytes, fact: bytes | None, size: int) -> bytes:
    """Everything in front of `size` bytes of sound: RIFF or RIFX, RF64 where those cannot state the size."""
    chunks = b"fmt " + struct.pack(order + "I", len(form)) + form + b"\0" * (len(form) & 1)
    if fact is not None and any(fact[:4]):
        chunks += b"fact" + struct.pack(order + "I", len(fact)) + fact + b"\0" * (len(fact) & 1)
    total = 4 + len(chunks) + 8 + size
    if total <= MAX_RIFF:
        head = (b"RIFX" if kind == b"RIFX" else b"RIFF") + struct.pack(order + "I", total) + b"WAVE"
        return head + chunks + b"data" + struct.pack(order + "I", size)
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, total + 36, size, 0, 0)
    head = b"RF64" + struct.pack("<I", MAX_RIFF) + b"WAVE" + ds64
    return head + chunks + b"data" + struct.pack("<I", MAX_RIFF)


def _wave64(file: BinaryIO) -> Layout:
    """Wave64 (Sony): behind a RIFF header. libsndfile reads extensible floats as integers, believes every length, and
    takes chunks behind the sound for more of it."""
    form = b""
    for chunk in walk_wave64(file):
        if chunk.name == b"fmt ":
            file.seek(chunk.start)
            form = mended(file.read(min(chunk.present, 4096)), "<").body
        if chunk.name == b"data" and form:
            (tag,) = struct.unpack_from("<H", form)
            if chunk.present < chunk.size and not chunk.open:
                return Layout(cut_off=True)
            if tag in _PCM_TAGS:
                head = _wave_header(b"RIFF", "<", form, None, chunk.present)
                return Layout((head, Stretch(chunk.start, chunk.present)), notes=_note(chunk))
            break
    return Layout()


_AIFF_CODES = {b"NONE": "BIG", b"twos": "BIG", b"in24": "BIG", b"in32": "BIG", b"sowt": "LITTLE"}
_AIFF_FLOATS = {
    b"fl32": "FLOAT", b"FL32": "FLOAT", b"fl64": "DOUBLE", b"FL64": "DOUBLE", b"ulaw": "ULAW", b"alaw": "ALAW",
}  # fmt: skip


def _aiff(file: BinaryIO) -> Layout:
    """AIFF and AIFF-C ("Audio Interchange File Format" 1.3, Apple 1989)."""
    file.seek(8)
    if file.read(4) not in (b"AIFF", b"AIFC"):
        return Layout()
    common = b""
    for chunk in walk_chunks(file, 12, ">", b"SSND"):
        if chunk.name == b"COMM":
            file.seek(chunk.start)
            common = file.read(chunk.present)
        if chunk.name == b"SSND" and len(common) >= 18 and chunk.present > chunk.size:
            channels, _, bits, rate = struct.unpack_from(">hIh10s", common)
            code = common[18:22] or b"NONE"
            subtype = _AIFF_FLOATS.get(code) or f"PCM_{'S8' if bits <= 8 else -(-bits // 8) * 8}"
            if code not in _AIFF_CODES and code not in _AIFF_FLOATS:
                return Layout()
            file.seek(chunk.start)
            (offset,) = struct.unpack(">I", file.read(4))
            sound = Stretch(chunk.start + 8 + offset, chunk.present - 8 - offset)
            return Layout(
                (sound,),
                Raw(_extended(rate), channels, subtype, _AIFF_CODES.get(code, "BIG")),
                notes=_note(chunk),
            )
    return Layout()


def _extended(data: bytes) -> int:
    """An 80-bit IEEE number, rounded: how AIFF states its rate."""
    exponent, mantissa = struct.unpack(">HQ", data)
    hertz: float = mantissa * 2.0 ** ((exponent & 0x7FFF) - 16383 - 63)
    return round(hertz)


def _caf(file: BinaryIO) -> Layout:
    """Core Audio Format (Apple, 2006): the last chunk may state -1, "up to the end"; libsndfile refuses that."""
    end = file.seek(0, 2)
    position, description, alac = 8, b"", Layout()
    for _ in range(MAX_CHUNKS):
        if position + 12 > end:
            break
        file.seek(position)
        name, size = struct.unpack(">4sq", file.read(12))
        start, there = position + 12, end - position - 12
        if name == b"desc":
            description = file.read(min(size, 32))
        if name == b"kuki" and description[8:16] == b"alac\0\0\0\0":
            alac = _with_alac_flags(file.read(min(size, 48)), end)
        if name == b"data":
            untrue = size < 4 or size >= 1 << 40
            if not untrue and size > there:
                return Layout(cut_off=True)
            raw = _caf_samples(description) if untrue and there > 4 else None
            notes = () if size == -1 else (NEVER_FINISHED,)
            return alac if raw is None else Layout((Stretch(start + 4, there - 4),), raw, notes=notes)
        position = start + max(0, size)
    return Layout()


_CAF_HEAD = 20  # to the body of the description, which is always the first chunk
_ALAC_FLAGS = {16: 1, 20: 2, 24: 3, 32: 4}


def _with_alac_flags(cookie: bytes, end: int) -> Layout:
    """Apple Lossless whose description does not say how deep its samples are, as ffmpeg writes it: libsndfile needs it.

    cookie: the decoder's own description, which has it; with the headers of its atoms in front, or alone.
    """
    config = cookie[24:] if cookie[4:8] == b"frma" else cookie
    flags = _ALAC_FLAGS.get(config[5] if len(config) > 5 else 0)
    if flags is None:
        return Layout()
    at = _CAF_HEAD + 12
    return Layout((Stretch(0, at), struct.pack(">I", flags), Stretch(at + 4, end - at - 4)))


def _caf_samples(description: bytes) -> Raw | None:
    """How the samples are written; None for coded sound."""
    if len(description) < 32:
        return None
    rate, code, flags, _, _, channels, bits = struct.unpack(">d4sIIIII", description)
    endian = "LITTLE" if flags & 2 else "BIG"
    if code in (b"ulaw", b"alaw"):
        return Raw(round(rate), channels, code.decode().upper(), endian)
    if code != b"lpcm":
        return None
    floats = {32: "FLOAT", 64: "DOUBLE"}
    subtype = floats.get(bits, "") if flags & 1 else f"PCM_{'S8' if bits <= 8 else -(-bits // 8) * 8}"
    return Raw(round(rate), channels, subtype, endian) if subtype else None


_AU_CODES = {
    1: "ULAW", 2: "PCM_S8", 3: "PCM_16", 4: "PCM_24", 5: "PCM_32", 6: "FLOAT", 7: "DOUBLE", 27: "ALAW",
}  # fmt: skip


def _au(file: BinaryIO) -> Layout:
    """Sun and NeXT audio: the stated size is believed by few readers, and by us only where all of it is there."""
    file.seek(0)
    order = ">" if file.read(4) == b".snd" else "<"
    offset, size, code, rate, channels = struct.unpack(order + "5I", file.read(20))
    offset = max(offset, 24)  # the least there is: decoders take a smaller one for it
    there = file.seek(0, 2) - offset
    if code not in _AU_CODES or size >= there or there <= 0:
        return Layout()
    note = NEVER_FINISHED if size == 0 else SHORT_PROMISE
    raw = Raw(rate, channels, _AU_CODES[code], "BIG" if order == ">" else "LITTLE")
    return Layout((Stretch(offset, there),), raw, notes=(note,))


def _flac(file: BinaryIO) -> Layout:
    """FLAC streams one behind the other, as programs leave them that join files byte by byte: usually one."""
    starts = flac.starts(file)[1:]
    end = file.seek(0, 2)
    found = [_one_flac(file, start, stop) for start, stop in itertools.pairwise((0, *starts, end))]
    return _joined(found) if starts or found[0].pieces != (Stretch(0, end),) else Layout()


def _one_flac(file: BinaryIO, start: int, end: int) -> Layout:
    part = Stretch(start, end - start)
    found = flac.read_stream(io.BufferedReader(PiecedFile(file, (part,))))
    if found.frames is None or found.frames == found.stated:
        return Layout((part,))
    if found.frames < found.stated:
        return Layout(cut_off=True)
    notes = (NEVER_FINISHED if found.stated == 0 else SHORT_PROMISE,)
    sound = Stretch(start + found.body, part.length - found.body)
    return Layout((found.with_frames(found.frames), sound), notes=notes)


def _joined(streams: list[Layout]) -> Layout:
    """Several streams of one file as one layout."""
    pieces = [stream.pieces or () for stream in streams]
    return Layout(
        pieces[0],
        cut_off=any(stream.cut_off for stream in streams),
        notes=tuple(dict.fromkeys(note for stream in streams for note in stream.notes)),
        more=tuple(pieces[1:]),
    )


def _ogg(file: BinaryIO) -> Layout:
    """Ogg of any kind. Behind a stream that says it has ended, other programs' tags are no matter."""
    found = ogg.links(file)
    if not found or not (found[-1].ended or len(found) > 1) or found[0] == (0, file.seek(0, 2), True):
        return Layout()  # whole, or the decoder says what is wrong
    pieces = [(Stretch(link.start, link.end - link.start),) for link in found]
    return Layout(pieces[0], cut_off=not found[-1].ended, more=tuple(pieces[1:]))


def _voc(file: BinaryIO) -> Layout:
    """Creative Voice: what libsndfile reads of it has the headers of blocks in it."""
    found = voc.read_stream(file)
    if found is None:
        return Layout(fault="its sound is in a code that is not understood")
    notes = (OTHER_FORM,) if found.changes else ()
    raw = Raw(found.rate, found.channels, found.subtype, "LITTLE")
    return Layout(found.pieces, raw, found.cut_off, notes)


def _mpeg(file: BinaryIO, where: Stretch) -> Layout:
    """MP3, with the number of its frames in front where it has none or a wrong one."""
    found = mpeg.read_stream(file, where.start, where.start + where.length)
    if found is None:
        return Layout(mpeg=True)
    if found.stated is not None and found.stated > found.frames + 1:
        return Layout(cut_off=True, mpeg=True)
    notes: tuple[str, ...] = (OTHER_FORM,) if found.changes else ()
    if found.stated is not None and found.stated >= found.frames and not found.changes:
        return Layout(mpeg=True)
    if found.stated is not None and found.stated < found.frames:
        notes += (SHORT_PROMISE,)
    return Layout((found.header, Stretch(found.sound, found.end - found.sound)), notes=notes, mpeg=True)


_CONTAINERS: dict[bytes, Callable[[BinaryIO], Layout]] = {
    b"FORM": _aiff,
    b"caff": _caf,
    b".snd": _au,
    b"dns.": _au,
    b"OggS": _ogg,
    b"riff": _wave64,
    voc.MAGIC[:12]: _voc,
}
