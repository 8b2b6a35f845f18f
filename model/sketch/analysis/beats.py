"""The planner's features of each beat: arrays with one row per beat of the grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.sketch import parameters as p
from model.sketch.analysis.chroma import Chroma

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Beats:
    """Features of beat i = [seconds[i], seconds[i + 1]); beats outside the song have zero rows.

    seconds:   float64 [beats + 1], the grid shifted by the phase of the playing (see GridPhase).
    position:  int [beats], beat in bar, 0 = downbeat.
    bar_beats: int [beats], beats in that bar.
    bar:       int [beats], the host's bar number.
    mel:       dB [beats, 40], mean log-mel.
    tail:      dB [beats, 40], log-mel of the last 93 ms before the beat.
    head:      the same of the first 93 ms after it.
    step:      mean rise in dB of the bands from the 23 ms before the beat to those after, falls left out [beats].
    mfcc:      [beats, 4 * 13], scaled so that two unrelated beats of the song are about 1 apart.
    bass, treble: chroma [beats, 12].
    chord:     posteriors [beats, 24].
    level:     K-weighted dB [beats].
    onset:     0..1 [beats], strength of the attack on the beat.
    late:      seconds [beats] by which the attack near the beat comes after it; NaN where none is clear.
    sharpness: dB [beats] of the sharpest milliseconds around the beat (`sharpness.py`).
    inside:    whether the beat is entirely within the song.
    sounding:  whether it is inside and not a pause.
    """

    seconds: NDArray[np.float64]
    position: NDArray[np.int64]
    bar_beats: NDArray[np.int64]
    bar: NDArray[np.int64]
    mel: Rows
    tail: Rows
    head: Rows
    step: Rows
    mfcc: Rows
    bass: Chroma
    treble: Chroma
    chord: Rows
    level: Rows
    onset: Rows
    late: Rows
    sharpness: Rows
    inside: NDArray[np.bool_]
    sounding: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.position)

    def attack(self, beat: int) -> bool:
        """Whether a note or hit begins with a beat that is strong among the song's, and rises."""
        return bool(self.onset[beat] >= p.ATTACK_ONSET and self.step[beat] >= p.ATTACK_STEP_DB)

    def at(self, seconds: float) -> int:
        """The beat that contains a time, clamped to the grid."""
        return int(np.clip(np.searchsorted(self.seconds, seconds + 1e-6, side="right") - 1, 0, len(self) - 1))

    def span(self, start: float, end: float) -> range:
        """The beats that [start, end) touches, ignoring slivers of beats at its edges."""
        sliver = min(p.EDGE_SLIVER_SECONDS, (end - start) / 4.0)
        first = self.at(start + sliver)
        return range(first, max(self.at(end - sliver), first) + 1)


def slot_means(frames: Rows, edges: NDArray[np.float64], frame_rate: float) -> Rows:
    """Means of rows [frames, k] between consecutive edges (seconds); empty slots take the nearest frame."""
    count = len(frames)
    bounds = np.clip(np.rint(edges * frame_rate).astype(int), 0, count)
    first = np.minimum(bounds[:-1], count - 1)
    last = np.maximum(bounds[1:], first + 1)
    running = np.concatenate([np.zeros((1, frames.shape[1])), np.cumsum(frames, axis=0, dtype=np.float64)])
    means = (running[last] - running[first]) / (last - first)[:, None]
    return np.asarray(means, dtype=np.float32)


def frames_beside(
    frames: Rows, seconds: NDArray[np.float64], frame_rate: float, window: float
) -> tuple[Rows, Rows]:
    """The rows of `frames` whose windows of `window` seconds end, and those whose begin, at each time."""
    before, after = (
        frames[np.clip(np.rint((seconds + shift) * frame_rate).astype(int), 0, len(frames) - 1)]
        for shift in (-0.5 * window, 0.5 * window)
    )
    return before, after


def mfcc_rows(mel: Rows, seconds: NDArray[np.float64], frame_rate: float) -> Rows:
    """MFCC 1-13 of each beat's sixteenths, [beats, slots * 13]; unscaled. `mel` is dB [frames, bands]."""
    from scipy.fft import dct

    fractions = np.arange(p.MFCC_SLOTS) / p.MFCC_SLOTS
    starts = seconds[:-1, None] + np.diff(seconds)[:, None] * fractions[None]
    edges = np.concatenate([starts.ravel(), seconds[-1:]])
    slots = slot_means(mel, edges, frame_rate)
    cepstra = dct(slots, type=2, norm="ortho", axis=1)[:, 1 : 1 + p.MFCC_COUNT]
    return np.asarray(cepstra.reshape(len(seconds) - 1, -1), dtype=np.float32)


def scaled(rows: Rows, sounding: NDArray[np.bool_]) -> Rows:
    """Rows scaled so that sounding beats a third of the song apart have a median distance of 1."""
    chosen = rows[sounding]
    if len(chosen) < 2:
        return rows
    apart = np.linalg.norm(chosen - np.roll(chosen, max(len(chosen) // 3, 1), axis=0), axis=1)
    return np.asarray(rows / max(float(np.median(apart)), 1.0), dtype=np.float32)


def onset_strength(at_beats: NDArray[np.float64], envelope: NDArray[np.float32]) -> Rows:
    """Attack on each beat relative to the song's strong attacks (its 98th percentile), clipped to 0..1."""
    strong = float(np.percentile(envelope, 98)) if len(envelope) else 0.0
    return np.asarray(np.clip(at_beats / max(strong, 1e-6), 0.0, 1.0), dtype=np.float32)
