"""The sound of a track in a region, with as much around it as can be read exactly."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from clip_store.audio.audio import Audio, Encoding
from clip_store.audio.audio_file import read_audio
from clip_store.errors import ProjectError
from clip_store.projects.clip_parts import ClipPart, Problem
from clip_store.projects.project_file import ProjectFile
from daw_protocol.timeline.span import Span

IN_YOUR_DAW = (
    "Bounce the track in place in your DAW (or unwarp the clip), export the project again and try again."
)


def rate_of(pieces: Sequence[ClipPart], track: str) -> int:
    """The rate of the track's sounds. Raises ProjectError when it has none, or several."""
    rates = sorted({piece.rate for piece in pieces})
    if not rates:
        raise ProjectError(f"The track {track!r} has no audio clips.", "Choose another track with --track.")
    if len(rates) > 1:
        listed = " and ".join(map(str, rates))
        raise ProjectError(f"The sounds of the track {track!r} are at {listed} Hz.", IN_YOUR_DAW)
    return rates[0]


def readable_around(
    found: Iterable[ClipPart | Problem], region: Span, context: int, rate: int, track: str
) -> tuple[Span, list[str]]:
    """The region with up to `context` samples on each side, as far as all of it can be read, and notes on what cannot.

    Raises ProjectError when the region itself cannot.
    """
    parts = list(found)
    problems = [part for part in parts if isinstance(part, Problem)] + overlaps(parts)
    first, last = max(0, region.start - context), region.end + context
    notes = []
    for problem in problems:
        start, end = round(problem.start * rate), round(problem.end * rate)
        if start < region.end and end > region.start:
            raise ProjectError(f"The track {track!r} cannot be read there: {problem.reason}.", IN_YOUR_DAW)
        if end <= first or start >= last:
            continue
        notes.append(
            f"The track is not read beyond {'before' if end <= region.start else 'after'}: {problem.reason}."
        )
        first, last = (max(first, end), last) if end <= region.start else (first, min(last, start))
    ends = [round(part.end * rate) for part in parts if isinstance(part, ClipPart)]
    return Span(first, max(region.end, min(last, max(ends, default=last)))), notes


def overlaps(parts: Iterable[ClipPart | Problem]) -> list[Problem]:
    """Where two clips lie over each other: DAWs do not agree on which plays."""
    pieces = sorted((part for part in parts if isinstance(part, ClipPart)), key=lambda piece: piece.start)
    return [
        Problem(
            after.start, min(before.end, after.end), f"{before.clip} and {after.clip} lie over each other"
        )
        for before, after in itertools.pairwise(pieces)
        if (before.end - after.start) * before.rate > Fraction(1, 2)
    ]


def sound_of(
    project: ProjectFile, pieces: Sequence[ClipPart], span: Span, rate: int, max_seconds: float
) -> Audio:
    """The track's sound in a span of the timeline, zeros where no clip is. Raises ProjectError, AudioFileError."""
    with tempfile.TemporaryDirectory(prefix="takebridge-") as folder:
        files: dict[str, Audio] = {}
        placed = []
        for piece in pieces:
            start, end = round(piece.start * rate), round(piece.end * rate)
            if end <= span.start or start >= span.end:
                continue
            if piece.sound not in files:
                files[piece.sound] = read_audio(project.extract(piece.sound, Path(folder)), max_seconds)
                _check_rate(files[piece.sound], piece)
            placed.append((start, end, files[piece.sound], round(piece.at * rate)))
    encodings = {audio.encoding for _, _, audio, _ in placed}
    encoding = encodings.pop() if len(encodings) == 1 else Encoding.FLOAT
    channels = max((audio.channels for _, _, audio, _ in placed), default=1)
    samples = np.zeros((span.length, channels), encoding.dtype)
    for start, end, audio, at in placed:
        first = max(start, span.start, start - at)  # a file cannot play before its own beginning
        last = min(end, span.end, start - at + audio.frames)
        if first < last:
            samples[first - span.start : last - span.start] = audio.samples[
                first - start + at : last - start + at
            ]
    return Audio(samples, rate, encoding)


def _check_rate(audio: Audio, piece: ClipPart) -> None:
    """Raises ProjectError for a file that is not what the project says it is."""
    if audio.rate != piece.rate:
        raise ProjectError(
            f"{piece.sound} is at {audio.rate} Hz, and the project says {piece.rate} Hz.", "Export it again."
        )
