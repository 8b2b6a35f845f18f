"""What can be heard at a join: features of the sound around one moment, for the forest that looks for seams.

A moment is compared with the same moment of the untouched song, so that the song's own downbeats, fills and
chord changes tell nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.forest import area_under_curve, forest_scores
from model.engine import Samples

NEAR, BEAT, BAR = 0.06, 0.5, 2.0
"""Seconds either side of a moment: the join itself, about a beat, about a bar."""
WINDOW, HOP = 1024, 256


@dataclass(frozen=True)
class Analysed:
    """A song's features per frame. rough: peak third difference per hop, dB; bands: log spectrum [frames, 24]."""

    rate: int
    rough: NDArray[np.float64]
    bands: NDArray[np.float64]
    chroma: NDArray[np.float64]


def analyse(samples: Samples, rate: int) -> Analysed:
    """Listens to samples [frames, channels]."""
    mono = samples.mean(axis=1, dtype=np.float64)
    frames = max((len(mono) - 4096) // HOP, 1)
    rough = np.abs(np.diff(mono, 3, append=np.zeros(3)))[: frames * HOP].reshape(frames, HOP).max(axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(mono, WINDOW // 2), WINDOW)[::HOP][:frames]
    power = np.empty((frames, WINDOW // 2 + 1), np.float32)
    for first in range(0, frames, 2000):
        power[first : first + 2000] = (
            np.abs(np.fft.rfft(windows[first : first + 2000] * np.hanning(WINDOW))) ** 2
        )
    edges = np.unique(np.rint(np.geomspace(1, WINDOW // 2, 25)).astype(int))
    bands = 10 * np.log10(np.add.reduceat(power, edges, axis=1) + 1e-4)
    return Analysed(rate, 20 * np.log10(rough + 1e-6), bands, chroma_of(mono, frames, rate))


def chroma_of(mono: NDArray[np.float64], frames: int, rate: int) -> NDArray[np.float32]:
    """Pitch classes per frame, from windows of 4096; computed every fourth frame and repeated."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(mono, 2048), 4096)[:: 4 * HOP]
    hz = np.fft.rfftfreq(4096, 1 / rate)
    use = np.flatnonzero((hz > 100) & (hz < 1500))
    pitch = np.rint(69 + 12 * np.log2(hz[use] / 440)).astype(int) % 12
    fold = (pitch[:, None] == np.arange(12)).astype(np.float32)
    rows = []
    for first in range(0, len(windows), 500):
        magnitude = np.abs(np.fft.rfft(windows[first : first + 500] * np.hanning(4096)))[:, use]
        rows.append(np.sqrt(magnitude**2 @ fold))
    return np.repeat(np.concatenate(rows), 4, axis=0)[:frames].astype(np.float32)


def features(analysed: Analysed, frame: int) -> NDArray[np.float64]:
    """17 numbers about the sound around sample `frame`."""
    at = frame // HOP
    rough, bands = analysed.rough, analysed.bands
    near = rough[span(analysed, at, -NEAR, NEAR)]
    around = rough[span(analysed, at, -BEAT, BEAT)]
    steps = np.diff(bands[span(analysed, at, -NEAR, NEAR)], axis=0)
    wide = np.diff(bands[span(analysed, at, -BEAT, BEAT)], axis=0)
    rising, falling = np.maximum(steps, 0).mean(axis=1), np.maximum(-steps, 0).mean(axis=1)
    level = bands.mean(axis=1)
    local = level[span(analysed, at, -NEAR, NEAR)]
    values = [near.max() - np.median(around), near.max() - around.max()]
    values += [rising.max(), falling.max(), np.maximum(wide, 0).mean(axis=1).max() - rising.max()]
    values += [float(rising.argmax()) - len(rising) / 2, float(np.abs(steps).max())]
    values += [local.min() - np.median(level[span(analysed, at, -BEAT, BEAT)]), local.max() - local.min()]
    for reach in (NEAR, BEAT, BAR):
        before = bands[span(analysed, at, -reach, -0.01)].mean(axis=0)
        after = bands[span(analysed, at, 0.01, reach)].mean(axis=0)
        values.append(float(np.abs(after - before).mean()))
        values.append(float(after[-8:].mean() - before[-8:].mean()))
    before, after = (
        analysed.chroma[span(analysed, at, *edge)].mean(axis=0) for edge in ((-BEAT, -0.05), (0.05, BEAT))
    )
    values.append(float(before @ after / max(np.linalg.norm(before) * np.linalg.norm(after), 1e-9)))
    values.append(
        float(np.std(bands[span(analysed, at, -BEAT, 0)]) - np.std(bands[span(analysed, at, 0, BEAT)]))
    )
    return np.array(values)


def span(analysed: Analysed, at: int, first: float, last: float) -> slice:
    """Frames from `first` to `last` seconds around frame `at`, at least two of them, inside the song."""
    per_second = analysed.rate / HOP
    low = int(np.clip(at + round(first * per_second), 0, len(analysed.rough) - 3))
    high = int(np.clip(at + round(last * per_second), low + 2, len(analysed.rough)))
    return slice(low, high)


@dataclass(frozen=True)
class Moments:
    """Features at the joins of one song and at the same instants of the song as it was; [joins, features]."""

    joined: NDArray[np.float64]
    untouched: NDArray[np.float64]


def seam_auc(songs: list[Moments]) -> float:
    """Whether joins can be told from the untouched song; songs are left out one by one. 0.5 = they cannot."""
    songs = [song for song in songs if len(song.joined)]
    if len(songs) < 2:
        return float("nan")
    x = np.concatenate([part for song in songs for part in (song.joined, song.untouched)])
    y = np.concatenate([np.repeat([True, False], [len(song.joined), len(song.untouched)]) for song in songs])
    group = np.repeat(np.arange(len(songs)), [len(song.joined) + len(song.untouched) for song in songs])
    return area_under_curve(forest_scores(x, y, group), y)
