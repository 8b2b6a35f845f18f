"""Joining one tape to the next without a click: where to crossfade, for how long, and with which gains.

Of several places, lengths and small shifts it keeps the one with the least "excess flux", the spectral flux beyond
that of either side alone: a good join adds no audible event.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.engine import Samples
from model.sketch import parameters as p
from model.sketch.analysis.spectrum import mel_filters, stft
from model.sketch.rearrange.tape import Tape

Mono = NDArray[np.float32]


def likeness(a: Samples | Mono, b: Samples | Mono) -> float:
    """Normalised correlation of two equally long passages, -1..1; 0 if either is silent."""
    energy = float(np.sqrt(np.sum(np.square(a, dtype=np.float64)) * np.sum(np.square(b, dtype=np.float64))))
    return float(np.sum(a.astype(np.float64) * b)) / energy if energy > 1e-12 else 0.0


def fade_gains(length: int, rho: float) -> tuple[Mono, Mono]:
    """Falling and rising gains [length]: equal power for unrelated sides (rho 0), linear for equal (1)."""
    angle = np.arange(length) / max(length, 1) * (np.pi / 2.0)
    fall, rise = np.cos(angle), np.sin(angle)
    # Below -0.5 the two sides cancel; compensating further would only raise noise.
    level = np.sqrt(1.0 + 2.0 * float(np.clip(rho, -0.5, 1.0)) * fall * rise)
    return (fall / level).astype(np.float32), (rise / level).astype(np.float32)


def crossfade(old: Samples, new: Samples) -> Samples:
    """Crossfade from `old` to `new` over their whole length; [frames, channels]."""
    fall, rise = fade_gains(len(old), likeness(old, new))
    return np.asarray(old * fall[:, None] + new * rise[:, None], dtype=np.float32)


@dataclass(frozen=True)
class Join:
    """A crossfade of `length` frames from `first` on; the new tape plays `lag` frames later than planned.

    excess: flux the join adds to that of both sides, in dB per mel band summed over frames; 0 = none.
    """

    first: int
    length: int
    lag: int = 0
    excess: float = 0.0

    @property
    def end(self) -> int:
        return self.first + self.length


def rough_mono(samples: Samples, factor: int) -> Mono:
    """Mono copy at 1/factor of the rate by plain averaging; good enough, as it is only compared with others like it."""
    whole = len(samples) // factor * factor
    mono = samples[:whole].mean(axis=1)
    return np.asarray(mono.reshape(-1, factor).mean(axis=1), dtype=np.float32)


def flux(mono: Mono, rate: int) -> NDArray[np.float32]:
    """Mean rise in dB over mel bands from frame to frame; [frames of 256 samples]."""
    filters = mel_filters(rate, p.ONSET_WINDOW, p.MEL_BANDS, p.MEL_LOW_HZ, p.MEL_HIGH_HZ)
    bands = filters @ np.square(np.abs(stft(mono, p.ONSET_WINDOW, p.ONSET_HOP)))
    decibels = 10.0 * np.log10(bands + p.JOIN_FLOOR)
    return np.asarray(np.maximum(np.diff(decibels, axis=1), 0.0).mean(axis=0), dtype=np.float32)


class JoinChooser:
    """Chooses joins at one sample rate."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.factor = max(round(rate / p.ANALYSIS_RATE), 1)

    def frames(self, seconds: float) -> int:
        return round(seconds * self.rate)

    def candidates(self, earliest: int, bound: int, attack: bool) -> list[Join]:
        """Joins between frames `earliest` and `bound`, the latest place first."""
        lengths = p.JOIN_LENGTHS_ATTACK if attack else p.JOIN_LENGTHS_TONAL
        found = []
        for seconds in lengths:
            length = min(self.frames(seconds), (bound - earliest) // 2)
            for back in p.JOIN_BACK_SECONDS:
                first = bound - length - self.frames(back)
                if length > 0 and first >= earliest:
                    found.append(Join(first, length))
        return list(dict.fromkeys(found)) or [Join(bound, 0)]

    def best(
        self, old: Tape, new: Tape, candidates: list[Join], attack: bool, edge: int | None = None
    ) -> Join:
        """The candidate with the least excess flux, with its lag.

        edge: where the old tape has to be over at the latest; an attack that it begins shortly before counts as excess.
        """
        margin = 2 * p.ONSET_WINDOW * self.factor
        reach = self.frames(p.JOIN_LAG_ATTACK_SECONDS if attack else p.JOIN_LAG_TONAL_SECONDS)
        start = min(join.first for join in candidates) - margin
        end = max(join.end for join in candidates) + margin
        side_a = rough_mono(old.read(start, end), self.factor)
        side_b = rough_mono(new.read(start - reach, end + reach), self.factor)
        stub_end = None if edge is None else (edge - start) // self.factor
        tried = [self._tried(join, side_a, side_b, start, reach, stub_end) for join in candidates]
        # Rounded, so that the order of the candidates decides between joins that are about equally good.
        return min(tried, key=lambda join: round(join.excess, 2))

    def _tried(
        self, join: Join, side_a: Mono, side_b: Mono, start: int, reach: int, stub_end: int | None
    ) -> Join:
        rate, room = self.rate // self.factor, reach // self.factor
        first = (join.first - start) // self.factor
        length = max(join.length // self.factor, 1)
        lag = best_lag(side_a[first : first + length], side_b[first : first + length + 2 * room])
        new = side_b[room - lag : room - lag + len(side_a)]
        mixed = side_a.copy()
        mixed[first : first + length] = crossfade(
            side_a[first : first + length, None], new[first : first + length, None]
        )[:, 0]
        mixed[first + length :] = new[first + length :]
        around = slice(max(first - p.ONSET_WINDOW, 0), first + length + p.ONSET_WINDOW)
        moves = [flux(side[around], rate) for side in (mixed, side_a, new)]
        excess = float(np.maximum(moves[0] - np.maximum(moves[1], moves[2]), 0.0).sum())
        if stub_end is not None:
            excess += _stub(mixed, new, stub_end, rate)
        return Join(join.first, join.length, lag * self.factor, excess)


def _stub(mixed: Mono, new: Mono, end: int, rate: int) -> float:
    """Flux just before sample `end` that the tape joined to does not have: the beginning of an attack cut off there."""
    near = slice(max(end - round(p.JOIN_STUB_SECONDS * rate) - p.ONSET_WINDOW, 0), end + p.ONSET_WINDOW // 2)
    return float(np.maximum(flux(mixed[near], rate) - flux(new[near], rate), 0.0).sum())


def best_lag(old: Mono, new: Mono) -> int:
    """The delay of `new` in samples that correlates best with `old`; `new` has equal margins on both sides."""
    room = (len(new) - len(old)) // 2
    if room <= 0 or not old.any():
        return 0
    match = np.correlate(new, old, mode="valid")
    energy = np.convolve(np.square(new), np.ones(len(old)), mode="valid")
    score = match / np.sqrt(np.maximum(energy, 1e-9))
    return room - int(np.argmax(score))
