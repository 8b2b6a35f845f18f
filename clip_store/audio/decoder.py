"""Opens a sound file for decoding: the one place that calls libsndfile, and that turns its every error into a sentence.

Where a header is not true, libsndfile gets the sound through a true one (`layout.py`).
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import soundfile

from clip_store.audio import lead_in
from clip_store.audio.chain import Chain, Decoder, is_other
from clip_store.audio.layout import (
    CHAINED,
    NEVER_FINISHED,
    OTHER_STREAM,
    Layout,
    Piece,
    layout_behind,
    layout_of,
)
from clip_store.audio.pieced_file import PiecedFile, Stretch
from clip_store.audio.riff import OPEN_SIZE
from clip_store.audio.tags import Tags, info_in, tags_of
from clip_store.audio.time_stamp import TimeStamp, read_stamp
from clip_store.audio.xmp import xmp_in
from clip_store.errors import AudioFileError
from clip_store.regular_file import open_regular

WAIT = "Wait until the DAW has finished writing it, or bounce it again."

_SHORT = re.compile(r"(\d+) \(should be (\d+)\)")
_OGG_ENDS = re.compile(r"lacks an end-of-stream bit|Junk after the last page")
"""libsndfile's notes when a file is shorter than its header claims, or an Ogg stream ends within a page."""

_OTHERS = (
    (4, b"ftyp", "an MPEG-4 file (M4A, MP4: AAC or Apple Lossless)"),
    (0, b"\x30\x26\xb2\x75", "a Windows Media file"),
    (0, b"\x1a\x45\xdf\xa3", "a Matroska or WebM file"),
    (0, b"MThd", "a MIDI file"),
    (0, b"wvpk", "a WavPack file"),
    (28, b"\x7fFLAC", "an Ogg FLAC file"),
    (28, b"Speex   ", "an Ogg Speex file"),
    (28, b"\x80theora", "a video (Ogg Theora)"),
    (0, b"TTA1", "a True Audio file"),
    (0, b"MAC ", "a Monkey's Audio file"),
    (0, b"DSD ", "a DSD file"),
    (0, b"FRM8", "a DSD file"),
    (0, b"MPCK", "a Musepack file"),
    (0, b"#!AMR", "an AMR file"),
    (0, b"\xff\xf1", "an AAC stream"),
    (0, b"\xff\xf9", "an AAC stream"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (
        0,
        b"\x00\x05\x16\x07",
        "a macOS companion file (its name begins with ._); the sound is in the file without ._",
    ),
    (0, b"version https://git-lfs", "a placeholder of Git LFS; the sound has not been downloaded"),
    (0, b"<!DOCTYPE", "a web page"),
    (0, b"<html", "a web page"),
)
"""Files that are often taken for sound files we can read, by the bytes at a place."""


_HEADERLESS = {".gsm": "GSM610", ".vox": "VOX_ADPCM"}
"""What libsndfile knows by its name alone, which it is not given."""

_RAISED = (
    soundfile.SoundFileError, RuntimeError, ValueError, TypeError, OverflowError, IndexError, struct.error, OSError,
)  # fmt: skip
"""What libsndfile, its binding and our own readers raise for damaged files."""


OpenFile = Callable[[Path], BinaryIO]
"""Opens a file for reading. Raises OSError, or an error of its own."""


@dataclass(frozen=True)
class OpenSound:
    """A file's decoder, and what its bytes showed."""

    decoder: Decoder
    layout: Layout
    notes: tuple[str, ...]
    stamp: TimeStamp
    tags: Tags


@contextlib.contextmanager
def opened(path: Path, open_file: OpenFile = open_regular) -> Iterator[OpenSound]:
    """The file, open for decoding while the block lasts. It is opened once, by `open_file`: whatever takes its place
    meanwhile is never looked at.

    Raises AudioFileError when it is missing, empty, cut off or not audio, and for whatever the decoder raises in the
    block.
    """
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(_raw(path, open_file))
        try:
            # Before the decoder, which may share the file's position.
            stamp, info, packet = read_stamp(raw), info_in(raw), xmp_in(raw)
            layout, decoder = _begun(path, raw)
            stack.enter_context(decoder)
            if layout.start and stamp == TimeStamp():
                stamp = _stamp_behind(raw, layout.start)
            more = [stack.enter_context(_pieced(raw, pieces, layout)) for pieces in layout.more]
        except _RAISED as error:
            raise _cannot_open(path, raw, error) from error
        try:
            whole, notes = _chained(decoder, more)
            notes += layout.notes + _check_whole(path, whole, layout)
            yield OpenSound(whole, layout, notes, stamp, tags_of(decoder.title, decoder.artist, info, packet))
        except (
            soundfile.SoundFileError,
            RuntimeError,
            ValueError,
            TypeError,
            OverflowError,
            OSError,
        ) as error:
            raise AudioFileError(
                f"{path.name} is damaged or cut off ({_words(error)}).", "Save or bounce it again."
            ) from error


def _begun(path: Path, raw: BinaryIO) -> tuple[Layout, soundfile.SoundFile]:
    """How the file lies, and its decoder. What no decoder knows may be known behind its first bytes.

    Raises AudioFileError for a file that is cut off or has a fault of its own, else as the decoder.
    """
    layout = _checked(path, _layout(raw, layout_of))
    try:
        return layout, _decoder(path, raw, layout)
    except _RAISED:
        start = lead_in.sound_start(raw) if _other_kind(raw) is None else None
        if not start:
            raise
        tags = lead_in.tags_end(raw)
        behind = _checked(path, _layout(raw, lambda file: layout_behind(file, start, tags)))
        return behind, _decoder(path, raw, behind)


def _layout(raw: BinaryIO, read: Callable[[BinaryIO], Layout]) -> Layout:
    try:
        return read(raw)
    except (ValueError, struct.error, IndexError, OverflowError):
        return Layout()  # damaged beyond our reading: the decoder says so


def _checked(path: Path, layout: Layout) -> Layout:
    if layout.cut_off:
        raise _cut_off(path)
    if layout.fault:
        raise _not_read(path, layout.fault)
    return layout


def _stamp_behind(raw: BinaryIO, start: int) -> TimeStamp:
    behind = Stretch(start, raw.seek(0, os.SEEK_END) - start)
    return read_stamp(io.BufferedReader(PiecedFile(raw, (behind,))))


def _decoder(path: Path, raw: BinaryIO, layout: Layout) -> soundfile.SoundFile:
    if layout.pieces is None:
        raw.seek(0)
        headerless = _HEADERLESS.get(path.suffix.lower())
        if headerless is not None:
            return soundfile.SoundFile(raw, samplerate=8000, channels=1, format="RAW", subtype=headerless)
        if os.name != "posix":  # a descriptor belongs to one C library there, and libsndfile may have another
            return soundfile.SoundFile(raw)
        os.lseek(raw.fileno(), 0, os.SEEK_SET)  # `raw` itself only moves within what it has in memory
        return soundfile.SoundFile(raw.fileno(), closefd=False)
    return _pieced(raw, layout.pieces, layout)


def _pieced(raw: BinaryIO, pieces: tuple[Piece, ...], layout: Layout) -> soundfile.SoundFile:
    options: dict[str, Any] = {}
    if layout.raw is not None:
        raw_form = layout.raw
        options = {
            "format": "RAW",
            "samplerate": raw_form.rate,
            "channels": raw_form.channels,
            "subtype": raw_form.subtype,
            "endian": raw_form.endian,
        }
    return soundfile.SoundFile(PiecedFile(raw, pieces), **options)


def _chained(first: Decoder, more: list[soundfile.SoundFile]) -> tuple[Decoder, tuple[str, ...]]:
    """All streams as one sound, up to the first that cannot go on with it; and what a producer should know."""
    same = list(itertools.takewhile(lambda one: not is_other(one, first), more))
    whole: Decoder = Chain([first, *same]) if same else first
    notes: tuple[str, ...] = (CHAINED.format(count=1 + len(same)),) if same else ()
    if len(same) < len(more):
        seconds, form = whole.frames / whole.samplerate, _form(more[len(same)])
        notes += (OTHER_STREAM.format(seconds=seconds, form=form, first=_form(first)),)
    return whole, notes


def _form(decoder: Decoder) -> str:
    channels = {1: "mono", 2: "stereo"}.get(decoder.channels, f"{decoder.channels} channels")
    return f"{decoder.samplerate} Hz, {channels}"


def _raw(path: Path, open_file: OpenFile) -> BinaryIO:
    """The file's bytes. Raises AudioFileError when there are none."""
    try:
        if path.is_dir():
            raise AudioFileError(f"{path.name} is a folder, not a sound file.", "Name the file inside it.")
        raw = open_file(path)
    except FileNotFoundError:
        raise AudioFileError(f"There is no file {path}.", "Check the name and where it was saved.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioFileError(f"{path.name} cannot be opened: {reason}.", "Check its permissions.") from error
    if os.fstat(raw.fileno()).st_size == 0:
        raw.close()
        raise AudioFileError(f"{path.name} is empty (0 bytes).", "Save or bounce it again.")
    return raw


def _cannot_open(path: Path, raw: BinaryIO, error: Exception) -> AudioFileError:
    try:
        raw.seek(0)
        head = raw.read(64)
    except (OSError, ValueError):
        return AudioFileError(f"{path.name} may not be read.", "Check its permissions.")
    if (kind := _kind_of(head)) is not None:
        return AudioFileError(f"{path.name} is not a sound file that can be read: it is {kind}.", REMEDY)
    return _not_read(path, _words(error))


def _other_kind(raw: BinaryIO) -> str | None:
    """What the file is, where it is known to be no sound file that can be read."""
    raw.seek(0)
    return _kind_of(raw.read(64))


def _kind_of(head: bytes) -> str | None:
    return next((kind for at, magic, kind in _OTHERS if head[at:].startswith(magic)), None)


def _not_read(path: Path, reason: str) -> AudioFileError:
    return AudioFileError(f"{path.name} is not a sound file that can be read ({reason}).", REMEDY)


REMEDY = "Save it as WAV, AIFF or FLAC."


def _words(error: Exception) -> str:
    """What a decoder said, or what that amounts to where it said nothing."""
    text = getattr(error, "error_string", "") or getattr(error, "strerror", None) or str(error)
    for said, meant in _SAID:
        if re.search(said, text):
            return meant
    return text.strip().rstrip(".").removeprefix("Error : ") or "its contents make no sense"


_SAID = (
    (r"not recogni[sz]ed", "its bytes are those of no known format"),
    (
        r"unimplemented|unsupported|not support|unknown (encoding )?format|'fmt ' chunk|bit width",
        "its sound is in an unknown encoding",
    ),
    (r"no '(data|BODY|SSND)'|no sound data|no data could", "it has a header, but no sound"),
    (r"Too many channels", "its header states more channels than any file has"),
    (r"internal|malformed|malloc|pointer|SF_|psf_|Error in .* file|\bbad\b", "its header makes no sense"),
)
"""What libsndfile says to programmers, and what that means for a file."""


def _cut_off(path: Path) -> AudioFileError:
    return AudioFileError(f"{path.name} is cut off: it holds less sound than its header promises.", WAIT)


def _check_whole(path: Path, decoder: Decoder, layout: Layout) -> tuple[str, ...]:
    """Notes about its length. Raises AudioFileError when less sound is there than the header promises, or none."""
    notes: tuple[str, ...] = ()
    cut_off = False
    if layout.pieces is None or layout.more:
        said = decoder.extra_info
        cut_off = _OGG_ENDS.search(said) is not None
        promises = [int(hit[1]) for hit in _SHORT.finditer(said) if int(hit[1]) > int(hit[2])]
        if any(promise < OPEN_SIZE for promise in promises):
            cut_off = cut_off or not decoder.format.startswith(
                ("WAV", "RF64")
            )  # of those we looked ourselves
        elif promises:
            notes = (NEVER_FINISHED,)
    if cut_off:
        raise _cut_off(path)
    if decoder.frames <= 0:
        raise AudioFileError(f"{path.name} holds no sound (0 samples).", "Save or bounce it again.")
    if decoder.frames >= 1 << 62:
        raise AudioFileError(
            f"{path.name} does not say how long it is.", "Open it in your DAW and save it again."
        )
    return notes
