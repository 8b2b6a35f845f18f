"""How large the step at a seam is, by the measure of the song itself.

A seam is judged against the song's own steps at instants spread over it, measured in the very same way, and
against the step the song had at that instant before: a drum on the bar line is a step, but no fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from clip_store.audio import Audio, Samples

_FRAME_SECONDS = 0.0215
_CLICK_SECONDS = 0.0005
_INSTANTS = 300
_MIN_INSTANTS = 20
_BANDS = 40
_LOWEST_HZ = 40.0
_HIGHEST_HZ = 16000.0
_FLOOR = 1e-7
"""-70 dB of power: below it differences are not heard."""


@dataclass(frozen=True)
class Step:
    """One kind of step at a seam.

    value: what was measured; original: the same at that instant in the song before.
    rank:  share of the song's own steps that are smaller, 0..1; None when the song is too short to tell.
    """

    value: float
    original: float
    rank: float | None

    @property
    def stands_out(self) -> bool:
        """Larger than 99 of 100 of the song's own steps, and clearly larger than the one that was there."""
        return self.rank is not None and self.rank > 0.99 and self.value > 1.25 * self.original


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
    return tuple(_measure_seam(song, spliced, lead, edge, inner) for edge, inner in edges)


def _measure_seam(song: Audio, spliced: Audio, lead: int, edge: int, inner: int) -> Seam:
    instants = _instants(song.frames, _frame(song.rate), inner - edge)
    own = _steps_with(song, instants, inner - edge)
    before = _steps_with(song, np.array([edge]), inner - edge)[0]
    now = _steps_with(spliced, np.array([edge + lead]), inner - edge)[0]
    level, spectrum, click = (
        Step(float(now[kind]), float(before[kind]), _rank(float(now[kind]), own[:, kind]))
        for kind in range(3)
    )
    return Seam(edge, level, spectrum, click)


def _instants(frames: int, frame: int, reach: int) -> NDArray[np.int64]:
    """Instants spread over a song, at random so that none falls into the beat, the same each time."""
    first, last = frame + max(0, -reach), frames - frame - max(0, reach)
    if last - first < _INSTANTS:
        return np.zeros(0, np.int64)
    return np.random.default_rng(1).integers(first, last, _INSTANTS)


def _steps_with(audio: Audio, instants: NDArray[np.int64], reach: int) -> NDArray[np.float64]:
    """[instants, 3]: the larger of the steps at each instant and `reach` samples from it."""
    here = _steps(audio.samples, instants, audio.rate)
    return here if reach == 0 else np.maximum(here, _steps(audio.samples, instants + reach, audio.rate))


def _steps(samples: Samples, instants: NDArray[np.int64], rate: int) -> NDArray[np.float64]:
    """[instants, 3]: level step in dB, spectral step in dB, click."""
    frame, near = _frame(rate), max(4, round(_CLICK_SECONDS * rate))
    bands_before = _bands(_gather(samples, instants - frame, frame), rate)
    bands_after = _bands(_gather(samples, instants, frame), rate)
    level = np.abs(_db(bands_after.sum(axis=1)) - _db(bands_before.sum(axis=1)))
    spectrum = np.abs(_db(bands_after) - _db(bands_before)).mean(axis=1)
    around = _gather(samples, instants - near, 2 * near)
    click = np.abs(np.diff(around, n=2, axis=1)).max(axis=(1, 2), initial=0.0)
    return np.stack([level, spectrum, click], axis=1)


def _gather(samples: Samples, starts: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """[starts, length, channels] out of [frames, channels]; silence outside."""
    index = starts[:, None] + np.arange(length)
    inside = (index >= 0) & (index < len(samples))
    return np.where(inside[..., None], samples[index.clip(0, len(samples) - 1)], 0.0).astype(np.float64)


def _bands(frames: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Power in mel bands [n, bands] of frames [n, length, channels], channels added."""
    length = frames.shape[1]
    spectrum = np.fft.rfft(frames * np.hanning(length)[:, None], axis=1)
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


def _rank(value: float, own: NDArray[np.float64]) -> float | None:
    return float((own < value).mean()) if len(own) >= _MIN_INSTANTS else None


def _frame(rate: int) -> int:
    """Frame length in samples: the power of two nearest to _FRAME_SECONDS."""
    return 1 << round(float(np.log2(_FRAME_SECONDS * rate)))
