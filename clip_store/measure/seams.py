"""How large the step at a seam is, by the measure of the song itself.

A seam is judged against the song's own steps at instants spread over it, measured in the very same way, against the
step the song had at that instant before, and against those of the sounds that meet there where they come from: a drum
on the bar line is a step, but no fault.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clip_store.audio.audio import Audio, Samples
from clip_store.measure import clicks
from clip_store.measure.bands import FLOOR, mel_bands
from model.dsp.offset import drifts, steady_offset, without_drift

_FRAME_SECONDS = 0.0215
_SILENCE_DB = -40.0  # of the song's mean power
_INSTANTS = 200
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
    original:   the same in the song: at that instant before, or, if it is larger, where a sound that meets another
                there comes from.
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
    click:    as `clicks.clicks` measures it, in units of full scale.
    rank:     share of the song's own places of this kind that show less, by the most unusual of the three steps;
              None when the song is too short to compare with.
    """

    position: int
    level: Step
    spectrum: Step
    click: Step
    rank: float | None = None


def measure_seams(
    song: Audio,
    spliced: Audio,
    lead: int,
    edges: Sequence[tuple[int, int]],
    bar_lines: Sequence[int] = (),
    shifts: Sequence[Sequence[int]] = (),
) -> tuple[Seam, ...]:
    """The seams of a splice. lead: samples the song grew at its front.

    edges: (position of the edge, position of the inner end of its crossfade), in samples from the old song's
    first. Both are looked at and the larger step counts, for the song's own steps too.
    bar_lines: likewise in samples; a seam ranks among the song's steps there. Without enough of them it ranks among
    instants spread over the song, where there are fewer notes than at bar lines: every seam then ranks high.
    shifts: for each edge, how many samples later in the song the sounds that meet there come from, where that is known.
    """
    if not edges:
        return ()
    splice = _Splice(_Level.of(song), _Level.of(spliced), lead, tuple(bar_lines))
    known = [tuple(some) for some in shifts] or [()] * len(edges)
    return tuple(
        _measure_seam(splice, edge, inner, some) for (edge, inner), some in zip(edges, known, strict=True)
    )


def rank_together(seams: Sequence[Seam]) -> float | None:
    """Share of all choices of as many of the song's own places whose worst shows less than the worst seam, 0..1.

    An untouched song is at 0.5 on average, however many seams there are.
    """
    ranks = [seam.rank for seam in seams if seam.rank is not None]
    return max(ranks) ** len(ranks) if ranks else None


@dataclass(frozen=True)
class _Level:
    """Sound with what lies below it: offset [channels]. Finding that reads all samples, so it is done once a splice.

    samples: without an offset that drifts; unlevelled: as they were.
    """

    digest: str
    samples: Samples
    rate: int
    offset: NDArray[np.float64]
    unlevelled: Samples

    @classmethod
    def of(cls, audio: Audio) -> _Level:
        samples, offset = audio.samples, steady_offset(audio.samples)
        if drifts(samples):
            samples, offset = (
                without_drift(samples, audio.rate).astype(samples.dtype),
                np.zeros(audio.channels),
            )
        return cls(audio.digest, samples, audio.rate, offset, audio.samples)

    @property
    def frames(self) -> int:
        return len(self.samples)


@dataclass(frozen=True)
class _Splice:
    """The song before and after, the samples it grew at its front, and its bar lines."""

    song: _Level
    spliced: _Level
    lead: int
    bar_lines: tuple[int, ...]


def _measure_seam(splice: _Splice, edge: int, inner: int, shifts: tuple[int, ...]) -> Seam:
    song, reach = splice.song, abs(inner - edge)
    own = _remembered_steps(song, reach)
    first = min(edge, inner)
    now = _larger_steps(splice.spliced, np.array([first + splice.lead]), reach)[0]
    before = _larger_steps(song, np.array([first, *(first + shift for shift in shifts)]), reach).max(axis=0)
    peers = _steps_at_bar_lines(song, inner - edge, splice.bar_lines)
    usual = np.percentile(peers, _USUAL_AT_BAR_LINES, axis=0) if len(peers) >= _LEAST_PEERS else np.zeros(3)
    usual[_CLICK] = 0.0  # a click on a bar line is one all the same
    if _begins_after_silence(splice, edge, inner):
        usual[:_CLICK] = np.inf
    level, spectrum, click = (
        _judge(float(now[kind]), float(before[kind]), own[:, kind], max(_AUDIBLE[kind], float(usual[kind])))
        for kind in range(3)
    )
    return Seam(edge, level, spectrum, click, _rank_among(now, own if len(peers) < _LEAST_PEERS else peers))


_CLICK = 2


def _begins_after_silence(splice: _Splice, edge: int, inner: int) -> bool:
    """Whether the song is silent before this edge, now as before: there is no level then to jump from.

    An offset is silence, too, but taking a drifting one away spreads the one behind the edge to before it: it is taken
    from each frame by itself.
    """
    song, frame = splice.song, _frame(splice.song.rate)
    if inner < edge or edge < frame:
        return False
    old, new = (
        _gather(sound.unlevelled, np.array([edge - frame + lead]), frame, np.zeros(1))
        for sound, lead in ((song, 0), (splice.spliced, splice.lead))
    )
    old, new = (sound - sound.mean(axis=1, keepdims=True) for sound in (old, new))
    usual = np.vdot(song.samples, song.samples) / song.frames - np.square(song.offset).sum()
    loudest = max(_db(_power(sound))[0] for sound in (old, new))
    return bool(loudest < _db(np.maximum(usual, 0.0)) + _SILENCE_DB)


def _rank_among(steps: NDArray[np.float64], peers: Steps) -> float | None:
    """Where the most unusual of a seam's three steps stands among the most unusual ones of its peers, 0..1."""
    if len(peers) == 0:
        return None
    worst = max(_shares_below(steps[None, kind], peers[:, kind])[0] for kind in range(3))
    peers_worst = np.max([_shares_below(peers[:, kind], peers[:, kind]) for kind in range(3)], axis=0)
    return float((peers_worst < worst).mean() + 0.5 * (peers_worst == worst).mean())


def _shares_below(values: NDArray[np.float64], own: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.searchsorted(np.sort(own), values) / len(own)


def _judge(value: float, original: float, own: NDArray[np.float64], audible: float) -> Step:
    if len(own) == 0:
        return Step(value, original, None, None, False)
    usual = float(np.percentile(own, 99))
    stands_out = value > audible and value > _CLEARLY * max(usual, original)
    return Step(value, original, usual, float((own < value).mean()), stands_out)


_steps_of_songs: OrderedDict[tuple[str, int], Steps] = OrderedDict()
_REMEMBERED = 64  # a take with many joins has crossfades of many lengths
_steps_at_lines: OrderedDict[tuple[str, int, tuple[int, ...]], Steps] = OrderedDict()
_LEAST_PEERS = 8
_USUAL_AT_BAR_LINES = 95.0
"""Percentile: a hit that begins with a join is no jump where the song's own bar lines begin with such hits."""


def _steps_at_bar_lines(song: _Level, reach: int, bar_lines: tuple[int, ...]) -> Steps:
    """The song's steps at its bar lines and `reach` samples from them, before or after; kept like the others."""
    name = (song.digest, reach, bar_lines)
    if name not in _steps_at_lines:
        margin = _frame(song.rate) + abs(reach)
        lines = np.array([line for line in bar_lines if margin <= line < song.frames - margin], np.int64)
        first = np.minimum(lines, lines + reach)
        _steps_at_lines[name] = _larger_steps(song, first, abs(reach)) if len(lines) else np.zeros((0, 3))
    while len(_steps_at_lines) > _REMEMBERED:
        _steps_at_lines.popitem(last=False)
    return _steps_at_lines[name]


def _remembered_steps(song: _Level, reach: int) -> Steps:
    """As `_own_steps`, kept by the song's digest: every take of a song is measured against the same steps.

    A cache on the song itself would keep its samples in memory; the steps are a few kilobytes.
    """
    name = (song.digest, reach)
    if name not in _steps_of_songs:
        _steps_of_songs[name] = _own_steps(song, reach)
    while len(_steps_of_songs) > _REMEMBERED:
        _steps_of_songs.popitem(last=False)
    return _steps_of_songs[name]


def _own_steps(song: _Level, reach: int) -> Steps:
    """The song's steps at instants spread over it: at random, so that none falls into the beat, but the same
    each time. None at all in a song too short for that."""
    frame = _frame(song.rate)
    first, last = frame, song.frames - frame - reach
    if last - first < _INSTANTS:
        return np.zeros((0, 3))
    return _larger_steps(song, np.random.default_rng(1).integers(first, last, _INSTANTS), reach)


def _larger_steps(sound: _Level, instants: NDArray[np.int64], reach: int) -> Steps:
    """The larger of the steps at each instant and `reach` samples behind it."""
    here = _steps(sound, instants)
    return here if reach == 0 else np.maximum(here, _steps(sound, instants + reach))


def _steps(sound: _Level, instants: NDArray[np.int64]) -> Steps:
    samples, rate, offset = sound.samples, sound.rate, sound.offset
    frame = _frame(rate)
    before, after = (
        _gather(samples, instants - frame, frame, offset),
        _gather(samples, instants, frame, offset),
    )
    level = np.abs(_db(_power(after)) - _db(_power(before)))
    spectrum = np.abs(_db(mel_bands(after, rate)) - _db(mel_bands(before, rate))).mean(axis=1)
    return np.stack([level, spectrum, _clicks(sound, instants)], axis=1)


def _clicks(sound: _Level, instants: NDArray[np.int64]) -> NDArray[np.float64]:
    reach = clicks.reach(sound.rate)
    around = _gather(sound.samples, instants - reach, 2 * reach, sound.offset)
    return clicks.clicks(around.astype(np.float64), sound.rate)


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


def _db(power: NDArray[np.float64]) -> NDArray[np.float64]:
    decibels: NDArray[np.float64] = 10 * np.log10(power + FLOOR)
    return decibels


def _frame(rate: int) -> int:
    """Frame length in samples: the power of two nearest to _FRAME_SECONDS."""
    return 1 << round(float(np.log2(_FRAME_SECONDS * rate)))
