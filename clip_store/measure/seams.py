"""How large the step at a seam is, by the measure of the song itself.

A seam is judged against the song's own steps at instants spread over it, measured in the very same way, and
against the step the song had at that instant before: a drum on the bar line is a step, but no fault.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from clip_store.audio.audio import Audio, Samples
from model.dsp.offset import drifts, steady_offset, without_drift

_FRAME_SECONDS = 0.0215
_CLICK_SECONDS = 0.0005
_INSTANTS = 200
_BANDS = 40
_LOWEST_HZ = 40.0
_HIGHEST_HZ = 16000.0
_FLOOR = 1e-7
"""-70 dB of power: below it differences are inaudible."""

_AUDIBLE = (1.5, 1.5, 0.003)
"""Steps below these (dB, dB, full scale) are no fault, however even the song is."""

_CLEARLY = 1.25
"""So much larger than the song's own a step must be: one in a hundred passes the percentile by chance."""

Steps = NDArray[np.float64]
"""[instants, 3]: level step in dB, spectral step in dB, click."""


@dataclass(frozen=True)
class Step:
    """One kind of step at a seam.

    value:      what was measured.
    original:   the same at that instant in the song before.
    usual:      what 99 of 100 of the song's own steps stay below; None when the song is too short to compare with.
    rank:       share of the song's own steps that are smaller, 0..1; None likewise.
    stands_out: a listener may notice: it is audible, and clearly larger than `usual` and `original`.
    """

    value: float
    original: float
    usual: float | None
    rank: float | None
    stands_out: bool


@dataclass(frozen=True)
class Seam:
    """The steps at one edge of a region.

    position: of the edge, in samples from the old song's first.
    level:    dB between the frames on either side.
    spectrum: mean dB between their mel bands.
    click:    largest second difference of the waveform, in units of full scale.
    """

    position: int
    level: Step
    spectrum: Step
    click: Step


def measure_seams(
    song: Audio, spliced: Audio, lead: int, edges: Sequence[tuple[int, int]]
) -> tuple[Seam, ...]:
    """The seams of a splice. lead: samples the song grew at its front.

    edges: (position of the edge, position of the inner end of its crossfade), in samples from the old song's
    first. Both are looked at and the larger step counts, for the song's own steps too.
    """
    lengths = {abs(inner - edge) for edge, inner in edges}
    own = {length: _remembered_steps(song, length) for length in lengths}
    return tuple(
        _measure_seam(song, spliced, lead, edge, inner, own[abs(inner - edge)]) for edge, inner in edges
    )


def _measure_seam(song: Audio, spliced: Audio, lead: int, edge: int, inner: int, own: Steps) -> Seam:
    first, length = np.array([min(edge, inner)]), abs(inner - edge)
    before = _larger_steps(song, first, length)[0]
    now = _larger_steps(spliced, first + lead, length)[0]
    level, spectrum, click = (
        _judge(float(now[kind]), float(before[kind]), own[:, kind], _AUDIBLE[kind]) for kind in range(3)
    )
    return Seam(edge, level, spectrum, click)


def _judge(value: float, original: float, own: NDArray[np.float64], audible: float) -> Step:
    if len(own) == 0:
        return Step(value, original, None, None, False)
    usual = float(np.percentile(own, 99))
    stands_out = value > audible and value > _CLEARLY * max(usual, original)
    return Step(value, original, usual, float((own < value).mean()), stands_out)


_steps_of_songs: OrderedDict[tuple[str, int], Steps] = OrderedDict()
_REMEMBERED = 16


def _remembered_steps(song: Audio, reach: int) -> Steps:
    """As `_own_steps`, kept by the song's digest: every take of a song is measured against the same steps.

    A cache on the song itself would keep its samples in memory; the steps are a few kilobytes.
    """
    name = (song.digest, reach)
    if name not in _steps_of_songs:
        _steps_of_songs[name] = _own_steps(song, reach)
    while len(_steps_of_songs) > _REMEMBERED:
        _steps_of_songs.popitem(last=False)
    return _steps_of_songs[name]


def _own_steps(song: Audio, reach: int) -> Steps:
    """The song's steps at instants spread over it: at random, so that none falls into the beat, but the same
    each time. None at all in a song too short for that."""
    frame = _frame(song.rate)
    first, last = frame, song.frames - frame - reach
    if last - first < _INSTANTS:
        return np.zeros((0, 3))
    return _larger_steps(song, np.random.default_rng(1).integers(first, last, _INSTANTS), reach)


def _larger_steps(audio: Audio, instants: NDArray[np.int64], reach: int) -> Steps:
    """The larger of the steps at each instant and `reach` samples behind it."""
    samples, offset = audio.samples, steady_offset(audio.samples)
    if drifts(samples):
        samples, offset = without_drift(samples, audio.rate).astype(samples.dtype), np.zeros(audio.channels)
    here = _steps(samples, instants, audio.rate, offset)
    return here if reach == 0 else np.maximum(here, _steps(samples, instants + reach, audio.rate, offset))


def _steps(samples: Samples, instants: NDArray[np.int64], rate: int, offset: NDArray[np.float64]) -> Steps:
    frame, near = _frame(rate), max(4, round(_CLICK_SECONDS * rate))
    before, after = (
        _gather(samples, instants - frame, frame, offset),
        _gather(samples, instants, frame, offset),
    )
    level = np.abs(_db(_power(after)) - _db(_power(before)))
    spectrum = np.abs(_db(_bands(after, rate)) - _db(_bands(before, rate))).mean(axis=1)
    around = _gather(samples, instants - near, 2 * near, offset)
    click = np.abs(np.diff(around, n=2, axis=1)).max(axis=(1, 2), initial=0.0)
    return np.stack([level, spectrum, click], axis=1)


def _gather(samples: Samples, starts: NDArray[np.int64], length: int, offset: NDArray[np.float64]) -> Samples:
    """[starts, length, channels] out of [frames, channels], less a constant offset [channels]; silence outside."""
    index = starts[:, None] + np.arange(length)
    gathered = samples[index.clip(0, len(samples) - 1)]
    if offset.any():  # under it, no change of level would show
        gathered = gathered - offset.astype(samples.dtype)
    inside = (index >= 0) & (index < len(samples))
    silenced: Samples = gathered * inside[..., None]
    return silenced


def _power(frames: Samples) -> NDArray[np.float64]:
    """Mean square [n] of frames [n, length, channels], channels added."""
    power: NDArray[np.float64] = np.square(frames, dtype=np.float64).mean(axis=1).sum(axis=1)
    return power


def _bands(frames: Samples, rate: int) -> NDArray[np.float64]:
    """Power in mel bands [n, bands] of frames [n, length, channels], channels added."""
    length = frames.shape[1]
    window = np.hanning(length).astype(frames.dtype)
    spectrum = np.fft.rfft(frames * window[:, None], axis=1)
    # One-sided power; 0.375 is the mean square of a Hann window. A full-scale sine gives 1/2.
    power = (np.abs(spectrum) ** 2).sum(axis=2) * 2 / (length**2 * 0.375)
    banded: NDArray[np.float64] = power @ _mel(length, rate)
    return banded


@lru_cache(maxsize=8)
def _mel(length: int, rate: int) -> NDArray[np.float64]:
    """Triangular mel filters [bins, bands] (2595 log10(1 + f / 700), O'Shaughnessy 1987)."""
    top = min(_HIGHEST_HZ, rate / 2)
    edges = np.linspace(_to_mel(_LOWEST_HZ), _to_mel(top), _BANDS + 2)
    centres = 700 * (10 ** (edges / 2595) - 1)
    bins = np.fft.rfftfreq(length, 1 / rate)[:, None]
    rising = (bins - centres[:-2]) / (centres[1:-1] - centres[:-2])
    falling = (centres[2:] - bins) / (centres[2:] - centres[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling))


def _to_mel(hertz: float) -> float:
    return 2595 * float(np.log10(1 + hertz / 700))


def _db(power: NDArray[np.float64]) -> NDArray[np.float64]:
    decibels: NDArray[np.float64] = 10 * np.log10(power + _FLOOR)
    return decibels


def _frame(rate: int) -> int:
    """Frame length in samples: the power of two nearest to _FRAME_SECONDS."""
    return 1 << round(float(np.log2(_FRAME_SECONDS * rate)))
