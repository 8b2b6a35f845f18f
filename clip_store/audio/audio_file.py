"""Sound files in and out: any file libsndfile reads, and WAV files written by ourselves.

Reading goes through soundfile and tells apart what a producer can act on: missing, empty, cut off, not audio,
of a kind the project cannot hold. Writing is our own because soundfile stamps float files with the time of
writing and cannot write bext: the same audio and notes give the same bytes here, whole or not at all.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from clip_store.atomic_file import write_whole
from clip_store.audio.audio import MAX_CHANNELS, RATES, Audio, Encoding, Samples
from clip_store.audio.broadcast_wav import Bext, metadata_chunks, read_bext
from clip_store.audio.riff import is_riff, walk, wave_parts
from clip_store.errors import AudioFileError

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
    ".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".caf", ".flac", ".ogg", ".opus", ".mp3",
)  # fmt: skip
"""How files are called that are likely to be read; any name may be tried."""

_ESTIMATED = ("MP3",)
"""Formats whose headers need not say how long they are; libsndfile then estimates it from the first frame."""

_OPEN_SIZES = (0, 0xFFFFFFFF)
"""Sizes a data chunk has while it is still being recorded or streamed: they promise nothing."""

_CUT_OFF = re.compile(r"(\d+) \(should be (\d+)\)|lacks an end-of-stream bit|Junk after the last page")
"""libsndfile's note when a file is shorter than its header claims, or an Ogg stream ends within a page."""


@dataclass(frozen=True)
class AudioInfo:
    """The header of a sound file.

    encoding:       the one its audio will have in memory (the nearest to the file's own).
    counted:        whether `frames` is certain: without a table of its own, an MP3's length is an estimate.
    time_reference: bext position on the timeline in samples; None when the file has no bext chunk.
    """

    frames: int
    rate: int
    channels: int
    encoding: Encoding
    time_reference: int | None
    counted: bool = True


def probe_audio(path: Path, max_seconds: float = math.inf) -> AudioInfo:
    """Look at a sound file without reading its sound.

    Raises AudioFileError when it is missing, empty, cut off, not audio, of a kind the project cannot hold, or
    certain to last longer than max_seconds.
    """
    _check_there(path)
    with _open(path) as file:
        _check_whole(path, file)
        _check_kind(path, file)
        bext = read_bext(path)
        info = AudioInfo(
            file.frames,
            file.samplerate,
            file.channels,
            _NEAREST.get(file.subtype, Encoding.FLOAT),
            None if bext is None else bext.time_reference,
            counted=file.format not in _ESTIMATED,
        )
    if info.counted:
        _check_length(path, info, max_seconds)
    return info


def read_audio(path: Path, max_seconds: float) -> Audio:
    """Read a whole sound file, exactly.

    Raises AudioFileError when it is missing, empty, cut off, not audio, of a kind the project cannot hold,
    longer than max_seconds, or holds values that are not numbers.
    """
    info = probe_audio(path)
    _check_length(path, info, max_seconds)
    with _open(path) as file:
        samples = _read_samples(path, file, info)
    if not np.isfinite(samples).all():
        first = int(np.argmin(np.isfinite(samples).all(axis=1)))
        raise AudioFileError(
            f"{path.name} holds values that are not numbers (NaN or infinity), the first at sample {first}.",
            "A plug-in has misbehaved: bounce the song again without it.",
        )
    return Audio(samples, info.rate, info.encoding)


def read_part(path: Path, first: int, frames: int) -> Samples:
    """Up to `frames` frames from `first` on, float32 [frames, channels]: for looking at, not for splicing.

    Fewer where the file ends or first is negative. Raises AudioFileError as probe_audio does.
    """
    _check_there(path)
    with _open(path) as file:
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
) -> None:
    """Write a WAV file, whole or not at all; the same arguments always give the same bytes.

    note is free text for iXML, in any script.

    Raises StoreError when the disk is full, the folder is read-only or the file would pass 4 GiB; ValueError
    for a recipe JSON cannot hold.
    """
    write_whole(path, wave_parts(audio, metadata_chunks(bext, recipe, note, audio.rate)))


def _check_there(path: Path) -> None:
    try:
        if path.is_dir():
            raise AudioFileError(f"{path.name} is a folder, not a sound file.", "Name the file inside it.")
        size = path.stat().st_size
    except FileNotFoundError:
        raise AudioFileError(f"There is no file {path}.", "Check the name and where it was saved.") from None
    except OSError as error:
        raise AudioFileError(
            f"{path.name} cannot be opened: {error.strerror or error}.", "Check its permissions."
        ) from error
    if size == 0:
        raise AudioFileError(f"{path.name} is empty (0 bytes).", "Save or bounce it again.")


def _open(path: Path) -> soundfile.SoundFile:
    try:
        # As bytes where names are bytes: soundfile cannot encode a name that is not UTF-8.
        return soundfile.SoundFile(os.fsencode(path) if os.name == "posix" else path)
    except soundfile.LibsndfileError as error:
        if not _readable(path):
            raise AudioFileError(f"{path.name} may not be read.", "Check its permissions.") from error
        raise AudioFileError(
            f"{path.name} is not a sound file that can be read ({error.error_string.rstrip('.')}).",
            "Save it as WAV, AIFF or FLAC.",
        ) from error


def _readable(path: Path) -> bool:
    try:
        with open(path, "rb"):
            return True
    except OSError:
        return False


def _check_whole(path: Path, file: soundfile.SoundFile) -> None:
    """Raise AudioFileError when less sound is there than the header promises."""
    if _is_cut_off(path, file):
        raise AudioFileError(
            f"{path.name} is cut off: it holds less sound than its header promises.",
            "Wait until the DAW has finished writing it, or bounce it again.",
        )
    if file.frames <= 0:
        raise AudioFileError(f"{path.name} holds no sound (0 samples).", "Save or bounce it again.")


def _is_cut_off(path: Path, file: soundfile.SoundFile) -> bool:
    with open(path, "rb") as raw:
        if is_riff(raw):
            data = next((chunk for chunk in walk(raw) if chunk.name == b"data"), None)
            return data is not None and data.size not in _OPEN_SIZES and data.present < data.size
    found = _CUT_OFF.finditer(file.extra_info)
    return any(hit[1] is None or int(hit[1]) > int(hit[2]) for hit in found)


def _check_length(path: Path, info: AudioInfo, max_seconds: float) -> None:
    if info.frames > max_seconds * info.rate:
        raise AudioFileError(
            f"{path.name} lasts {info.frames / info.rate:.1f} s; at most {max_seconds:g} s are accepted.",
            "Bounce a shorter stretch: the region and a minute around it are enough.",
        )


def _check_kind(path: Path, file: soundfile.SoundFile) -> None:
    if file.channels > MAX_CHANNELS:
        raise AudioFileError(
            f"{path.name} has {file.channels} channels; only mono and stereo are supported.",
            "Bounce a stereo mix.",
        )
    if file.samplerate not in RATES:
        rates = ", ".join(str(rate) for rate in RATES)
        raise AudioFileError(
            f"{path.name} has a rate of {file.samplerate} Hz; the project rates are {rates} Hz.",
            "Export it at the rate of your project.",
        )


def _read_samples(path: Path, file: soundfile.SoundFile, info: AudioInfo) -> np.ndarray[Any, Any]:
    """float array [frames, channels]; lossy decoders and FLAC notice only here that a file is cut off."""
    try:
        samples = file.read(dtype=info.encoding.dtype.name, always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioFileError(
            f"{path.name} is damaged or cut off ({error.error_string.rstrip('.')}).",
            "Save or bounce it again.",
        ) from error
    if len(samples) < info.frames:
        raise AudioFileError(
            f"{path.name} is cut off: {len(samples)} of {info.frames} samples are there.",
            "Wait until the DAW has finished writing it, or bounce it again.",
        )
    found: np.ndarray[Any, Any] = samples
    return found
