"""Sound files in and out: any file libsndfile reads, and WAV files written by ourselves.

Reading tells apart what a producer can act on: missing, empty, cut off, not audio (`decoder.py`), of a kind the project
cannot hold, with values that are no sound. Writing is our own because soundfile stamps float files with the time of
writing and cannot write bext: the same audio and notes give the same bytes here, whole or not at all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clip_store.atomic_file import write_whole
from clip_store.audio.audio import MAX_CHANNELS, MAX_RATE, MIN_RATE, Audio, Encoding, Samples
from clip_store.audio.broadcast_wav import Bext, metadata_chunks
from clip_store.audio.decoder import WAIT, OpenFile, OpenSound, opened
from clip_store.audio.riff import wave_parts
from clip_store.audio.tags import NO_TAGS, Tags
from clip_store.errors import AudioFileError
from clip_store.regular_file import open_regular

_NEAREST = {
    "PCM_S8": Encoding.PCM_16,
    "PCM_U8": Encoding.PCM_16,
    "PCM_16": Encoding.PCM_16,
    "PCM_24": Encoding.PCM_24,
    "PCM_32": Encoding.PCM_32,
    "DOUBLE": Encoding.DOUBLE,
    "ULAW": Encoding.PCM_16,
    "ALAW": Encoding.PCM_16,
    "ALAC_16": Encoding.PCM_16,
    "ALAC_20": Encoding.PCM_24,
    "ALAC_24": Encoding.PCM_24,
    "ALAC_32": Encoding.PCM_32,
}
"""libsndfile's subtypes that are not simply FLOAT; lossy ones (mp3, ogg) decode to floats and stay floats."""

SUFFIXES = (
    ".wav", ".wave", ".bwf", ".rf64", ".bw64", ".w64", ".aif", ".aiff", ".aifc", ".caf", ".au", ".snd", ".flac",
    ".ogg", ".oga", ".opus", ".mp3",
)  # fmt: skip
"""How files are called that are likely to be read; any name may be tried."""

_ESTIMATED = ("MP3",)
"""Formats whose headers need not say how long they are; libsndfile then estimates it from the first frame."""

FAR_BEYOND = 10_000.0
"""Full scale is 1. Up to here, 80 dB above it, it may be a song's; beyond, it is a broken plug-in's, or no float."""

_BLOCK_FRAMES = 1 << 18


@dataclass(frozen=True)
class AudioInfo:
    """The header of a sound file.

    encoding:       the one its audio will have in memory (the nearest to the file's own).
    time_reference: its time stamp, the position on the timeline in samples, before zero too; None without one.
    counted:        whether `frames` is certain: without a table of its own, an MP3's length is an estimate.
    notes:          what a producer should know: a header that is not true, a time stamp nobody can read.
    tags:           what its tags call it.
    """

    frames: int
    rate: int
    channels: int
    encoding: Encoding
    time_reference: int | None
    counted: bool = True
    notes: tuple[str, ...] = ()
    tags: Tags = NO_TAGS


def probe_audio(path: Path, max_seconds: float = math.inf, open_file: OpenFile = open_regular) -> AudioInfo:
    """Look at a sound file without reading its sound. open_file: how it is opened.

    Raises AudioFileError when it is missing, empty, cut off, not audio, of a kind the project cannot hold, or
    certain to last longer than max_seconds.
    """
    with opened(path, open_file) as sound:
        info = _info(path, sound)
    if info.counted:
        _check_length(path, info, max_seconds)
    return info


def read_audio(path: Path, max_seconds: float) -> Audio:
    """Read a whole sound file, exactly. Raises AudioFileError as `read_sound` does."""
    return read_sound(path, max_seconds)[1]


def read_sound(path: Path, max_seconds: float, open_file: OpenFile = open_regular) -> tuple[AudioInfo, Audio]:
    """Read a whole sound file, exactly, and what its header says. open_file: how it is opened.

    Raises AudioFileError when it is missing, empty, cut off, not audio, of a kind the project cannot hold,
    longer than max_seconds, or holds values that are not numbers, far beyond full scale or beyond its format.
    """
    with opened(path, open_file) as sound:
        info = _info(path, sound)
        _check_length(path, info, max_seconds)
        samples = _read_samples(path, sound, info)
    _check_values(path, samples)
    try:
        return info, Audio(samples, info.rate, info.encoding)
    except (
        ValueError
    ) as wrong:  # what a decoder makes of damaged blocks: the values are finite, as has been checked
        raise AudioFileError(
            f"{path.name} is damaged: it has samples that its format, {info.encoding.value}, cannot hold.",
            "Copy or export it again.",
        ) from wrong


def read_part(path: Path, first: int, frames: int) -> Samples:
    """Up to `frames` frames from `first` on, float32 [frames, channels]: for looking at, not for splicing.

    Fewer where the file ends or first is negative. Raises AudioFileError as probe_audio does.
    """
    with opened(path) as sound:
        file = sound.decoder
        start = min(max(0, first), file.frames)
        end = min(max(start, first + frames), file.frames)
        file.seek(start)
        found: Samples = file.read(end - start, dtype="float32", always_2d=True)
        return found


def write_wav(
    path: Path,
    audio: Audio,
    bext: Bext | None = None,
    recipe: Mapping[str, object] | None = None,
    note: str = "",
    xmp: bytes = b"",
) -> None:
    """Write a WAV file, whole or not at all; the same arguments always give the same bytes.

    note is free text for iXML, in any script; xmp is a packet as `encode_xmp` makes it.

    Raises StoreError when the disk is full, the folder is read-only or the file would pass 4 GiB; ValueError
    for a recipe JSON cannot hold.
    """
    write_whole(path, wave_parts(audio, metadata_chunks(bext, recipe, note, audio.rate, xmp)))


def _info(path: Path, sound: OpenSound) -> AudioInfo:
    """Raises AudioFileError for a kind of audio the project cannot hold."""
    file = sound.decoder
    if file.channels > MAX_CHANNELS:
        raise AudioFileError(
            f"{path.name} has {file.channels} channels; only mono and stereo are supported.",
            "Bounce a stereo mix.",
        )
    if not MIN_RATE <= file.samplerate <= MAX_RATE:
        raise AudioFileError(
            f"{path.name} has a rate of {file.samplerate} Hz; rates from {MIN_RATE} to {MAX_RATE} Hz are read.",
            "Export it at the rate of your project.",
        )
    stamp = sound.stamp
    return AudioInfo(
        file.frames,
        file.samplerate,
        file.channels,
        _NEAREST.get(file.subtype, Encoding.FLOAT),
        stamp.samples,
        counted=file.format not in _ESTIMATED and not sound.layout.mpeg,
        notes=(*sound.notes, *((stamp.note,) if stamp.note else ())),
        tags=sound.tags,
    )


def _check_length(path: Path, info: AudioInfo, max_seconds: float) -> None:
    if info.frames > max_seconds * info.rate:
        raise AudioFileError(
            f"{path.name} lasts {info.frames / info.rate:.1f} s; at most {max_seconds:g} s are accepted.",
            "Bounce a shorter stretch: the region and a minute around it are enough.",
        )


def _read_samples(path: Path, sound: OpenSound, info: AudioInfo) -> Samples:
    """float array [frames, channels]; lossy decoders and FLAC notice only here that a file is cut off."""
    wanted = np.empty((info.frames, info.channels), info.encoding.dtype)
    # Into an array of our own: reading "all there is" fails in formats that cannot seek.
    samples: Samples = sound.decoder.read(out=wanted)
    # An MP3's length is an estimate, so a shortage says nothing; where its own header counts, that has been compared.
    if not len(samples) or (info.counted and len(samples) < info.frames):
        raise AudioFileError(
            f"{path.name} is cut off: {len(samples)} of {info.frames} samples are there.", WAIT
        )
    return samples


def _check_values(path: Path, samples: Samples) -> None:
    for begin in range(0, len(samples), _BLOCK_FRAMES):
        block = samples[begin : begin + _BLOCK_FRAMES]
        usable = np.abs(block) <= FAR_BEYOND  # false for what is not a number, too
        if usable.all():
            continue
        first = begin + int(np.argmin(usable.all(axis=1)))
        values = samples[first]
        if not np.isfinite(values).all():
            raise AudioFileError(
                f"{path.name} holds values that are not numbers (NaN or infinity), the first at sample {first}.",
                "A plug-in has misbehaved: bounce the song again without it.",
            )
        highest = float(np.abs(values).max())
        raise AudioFileError(
            f"{path.name} holds values far beyond full scale ({highest:.3g}), the first at sample {first}.",
            "A plug-in has misbehaved, or whole numbers were saved as floats: bounce the song again, as 24-bit audio.",
        )
