"""The melody of a voice inside a mix, where a network is here that separates it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from model.engine import RenderRequest, Song
from model.pace import Pace
from model.sketch.band import melody
from model.sketch.band.melody import HOP_SECONDS, Melody
from model.sketch.separation.separation import Stems
from model.stems.separator import CannotSeparate

MARGIN_SECONDS = 8.0
"""Separated on each side of the region; further singing would cost time and say little of these bars."""
LEAST_COVERAGE = 0.05
"""Of the separated span: a voice with a clear pitch for less of it says nothing of the chords."""

SeparateVoice = Callable[[Song, int, int, Pace], Stems]
"""The stems of the song's frames [start, end). Raises CannotSeparate and RenderStopped."""


@dataclass(frozen=True)
class VoiceInMix:
    """line: on the song's time, silent outside what was separated. by: the network. coverage: of what was separated."""

    line: Melody
    by: str
    coverage: float


def voice_in(
    request: RenderRequest, song: Song, separate: SeparateVoice | None, pace: Pace
) -> VoiceInMix | None:
    """The voice around the region; None where none can be separated, or nothing is sung. Raises RenderStopped."""
    if separate is None:
        return None
    margin = round(MARGIN_SECONDS * song.rate)
    first, last = max(request.start - margin, 0), min(request.end + margin, song.frames)
    if first >= last:
        return None
    try:
        stems = separate(song, first, last, pace)
    except CannotSeparate:
        return None
    if not stems.has_vocal:
        return None
    alone = np.zeros_like(song.samples)
    alone[first:last] = stems.vocals
    line = melody.track(alone, song.rate, pace.check)
    inside = line.confidence[round(first / song.rate / HOP_SECONDS) : round(last / song.rate / HOP_SECONDS)]
    coverage = float(np.mean(inside > 0.5)) if len(inside) else 0.0
    return VoiceInMix(line, stems.by, coverage) if coverage >= LEAST_COVERAGE else None
