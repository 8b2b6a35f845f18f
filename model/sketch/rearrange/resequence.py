"""New drum patterns from the old: swaps eighth-note slices of the drum layer.

For exact loops (other bars would be the same recording again) and for fills. On-beats stay on-beats and off-beats stay
off-beats; a swapped slice must have a different kind of hit, or the change would be inaudible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.engine import Samples
from model.sketch import parameters as p
from model.sketch.analysis.beats import Beats
from model.sketch.rearrange.tape import Moved, Tape


@dataclass(frozen=True)
class Slices:
    """Eighth notes of consecutive beats.

    start, end: seconds [slices]; beat: grid index [slices]; off: not on the beat [slices].
    sound:      strength of the hit in each band (kick, snare, hat), 0..1 [slices, 3].
    """

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    beat: NDArray[np.intp]
    off: NDArray[np.bool_]
    sound: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.start)


def cut_slices(drums: Tape, beats: Beats, chosen: NDArray[np.intp], per_beat: int, rate: int) -> Slices:
    """Slices of the beats `chosen` (consecutive grid indices), measured on the drum layer."""
    fraction = np.tile(np.arange(per_beat) / per_beat, len(chosen))
    beat = np.repeat(chosen, per_beat)
    length = np.diff(beats.seconds)[beat]
    start = beats.seconds[beat] + fraction * length
    end = start + length / per_beat
    sound = np.array([_bands(drums, seconds, rate) for seconds in start])
    loudest = np.maximum(np.percentile(sound, 90, axis=0), 1e-12)
    decibels = 10.0 * np.log10(np.maximum(sound / loudest, 1e-12))
    return Slices(start, end, beat, fraction > 0, np.clip(1.0 + decibels / p.SLICE_RANGE_DB, 0.0, 1.0))


def _bands(drums: Tape, seconds: float, rate: int) -> NDArray[np.float64]:
    """Energy in the kick, snare and hat bands of the first 60 ms."""
    first = round(seconds * rate)
    count = round(p.SLICE_ANALYSIS_SECONDS * rate)
    sound = drums.read(first, first + count).mean(axis=1)
    power = np.square(np.abs(np.fft.rfft(sound * np.hanning(count))))
    hz = np.arange(len(power)) * rate / count
    edges = p.SLICE_BANDS_HZ
    return np.array([power[(hz >= low) & (hz < high)].sum() for low, high in edges])


def choose_slices(
    slices: Slices, beats: Beats, region: NDArray[np.bool_], strength: float, fill: bool, entropy: list[int]
) -> NDArray[np.intp]:
    """For each slice, the one that plays in its place; the slice itself outside `region` and where nothing changes."""
    rng = np.random.default_rng(np.random.SeedSequence(entropy))
    chosen = np.arange(len(slices))
    unlike = np.abs(slices.sound[:, None] - slices.sound[None]).max(axis=2)
    able = (slices.off[:, None] == slices.off[None]) & (unlike > p.SLICE_OTHER_CLASS)
    change = _changing(slices, beats, region & able.any(axis=1), strength, fill, rng)
    preference = rng.gumbel(size=(len(slices), len(slices)))
    for t in np.flatnonzero(change):
        score = p.SLICE_NOISE * preference[t]
        score = score - p.SLICE_PLACE_COST * (beats.position[slices.beat] != beats.position[slices.beat[t]])
        if t and chosen[t - 1] != t - 1 and chosen[t - 1] + 1 < len(slices):
            score[chosen[t - 1] + 1] += p.SLICE_SUCCESSOR
        if fill:
            score = score + p.SLICE_FILL_SNARE * slices.sound[:, 1]
        chosen[t] = int(np.argmax(np.where(able[t], score, -np.inf)))
    return chosen.astype(np.intp)


def _changing(
    slices: Slices,
    beats: Beats,
    movable: NDArray[np.bool_],
    strength: float,
    fill: bool,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Which movable slices change: more with strength, at least one in two beats, all of a fill's last half bar."""
    position = beats.position[slices.beat]
    willing = np.where(slices.off, p.SLICE_CHANGE_OFF, p.SLICE_CHANGE_ON)
    willing = np.where(~slices.off & (position == 0), p.SLICE_CHANGE_DOWNBEAT, willing)
    draw = rng.random(len(slices)) / willing
    change = draw < p.SLICE_CHANGE_AT_0 + strength * (p.SLICE_CHANGE_AT_1 - p.SLICE_CHANGE_AT_0)
    inside = np.flatnonzero(movable)
    pair = (slices.beat[inside] - slices.beat[inside[0]]) // 2 if len(inside) else inside
    for number in np.unique(pair):
        group = inside[pair == number]
        change[group[np.argmin(draw[group])]] = True
    if fill and len(inside):
        half_bar = max(int(beats.bar_beats[slices.beat[inside[-1]]]) // 2, 1)
        change[inside[slices.beat[inside] > slices.beat[inside[-1]] - half_bar]] = True
    return np.asarray(change & movable)


def play_slices(
    drums: Tape, slices: Slices, chosen: NDArray[np.intp], start: int, end: int, rate: int
) -> Tape:
    """The drum layer over frames [start, end) with slices swapped, each faded in just before its attack."""
    out = drums.read(start, end)
    early = round(p.SLICE_EARLY_SECONDS * rate)
    for t in np.flatnonzero(chosen != np.arange(len(chosen))):
        first = round(slices.start[t] * rate) - early
        last = round(slices.end[t] * rate) - early
        lag = round(slices.start[chosen[t]] * rate) - early - first
        _splice_in(out, drums.read(first + lag, last + lag + early), first - start, early)
    return Moved(out, -start)


def _splice_in(out: Samples, new: Samples, at: int, fade: int) -> None:
    """Replaces out[at:] by `new` with linear fades of `fade` frames at both ends, in place."""
    gain = np.ones(len(new), dtype=np.float32)
    if 2 * fade <= len(new):
        gain[:fade] = np.linspace(0.0, 1.0, fade, endpoint=False)
        gain[len(new) - fade :] = np.linspace(1.0, 0.0, fade, endpoint=False)
    first, last = max(at, 0), min(at + len(new), len(out))
    if first < last:
        part = slice(first - at, last - at)
        weight = gain[part, None]
        out[first:last] = out[first:last] * (1.0 - weight) + new[part] * weight
