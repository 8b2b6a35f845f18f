"""How loud a stretch is, and the gain that makes a render sit where it is placed.

Loudness is ITU-R BS.1770 by pyloudnorm, in LUFS; -inf is silence. True peak is measured as BS.1770-4 annex 2
describes, by oversampling to 192 kHz.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from enum import Enum

import numpy as np
import soxr

from clip_store.audio.audio import Samples

SILENCE_LUFS = -60.0
"""A replaced stretch or a neighbour quieter than this says nothing about how loud a render should be."""

NEIGHBOUR_SECONDS = 3.0
"""How much of the song on each side is listened to: the short-term window of EBU Tech 3341."""

MAX_GAIN_DB = 9.0
CEILING_DBTP = -1.0
"""EBU R 128: the highest true peak of a production; songs that are already hotter may stay so."""

_BLOCK_SECONDS = 0.4
_TRUE_PEAK_RATE = 192000


class Limit(Enum):
    """What kept a gain from being the one that matches."""

    NOTHING = "nothing"  # the gain matches
    RANGE = "range"  # it would pass MAX_GAIN_DB
    TRUE_PEAK = "true peak"  # it would push the render's peaks over the ceiling


class Target(Enum):
    """Whose loudness the render was matched to."""

    REPLACED = "replaced"  # the stretch it replaces: a quiet bar between loud ones stays quiet
    NEIGHBOURS = "neighbours"  # what sounds before and after: the stretch itself was silent
    NOTHING = "nothing"  # all is silence, or the render is: it is left as it is


@dataclass(frozen=True)
class GainMatch:
    """The gain for a render in dB, and how it was found; loudnesses in LUFS, -inf for silence."""

    gain_db: float
    render_lufs: float
    neighbours_lufs: float
    replaced_lufs: float
    target: Target
    limited_by: Limit

    def as_json(self) -> dict[str, float | str | None]:
        """For the receipt; silence as null."""
        figures = {
            "gain_db": self.gain_db,
            "render_lufs": self.render_lufs,
            "neighbours_lufs": self.neighbours_lufs,
            "replaced_lufs": self.replaced_lufs,
        }
        finite = {name: value if math.isfinite(value) else None for name, value in figures.items()}
        return {**finite, "target": self.target.value, "limited_by": self.limited_by.value}


def loudness(samples: Samples, rate: int) -> float:
    """Integrated, gated loudness of [frames, channels] in LUFS; -inf for silence.

    Stretches shorter than the standard's 400 ms block are measured as one block of their own length: the same
    weighting and the same absolute gate at -70 LUFS, but less sure the shorter they are. (Silence fills them up
    to a whole block, and they are raised by what the silence takes away.)
    """
    # Imported late: pyloudnorm brings in all of scipy.signal, over a second on a cold start.
    import pyloudnorm

    if not samples.any():
        return -np.inf
    heard = samples.astype(np.float64)
    block = math.ceil(_BLOCK_SECONDS * rate)
    if len(heard) < block:
        raised = heard * math.sqrt(block / len(heard))
        heard = np.concatenate([raised, np.zeros((block - len(raised), raised.shape[1]))])
    with warnings.catch_warnings():
        # Where every block is gated out, pyloudnorm takes the mean of nothing, and says so.
        warnings.simplefilter("ignore", RuntimeWarning)
        value = pyloudnorm.Meter(rate).integrated_loudness(heard)
    return float(value)


def peak_db(samples: Samples) -> float:
    """Highest sample in dB of full scale; -inf for silence."""
    return _decibels(float(np.abs(samples).max(initial=0.0)))


def true_peak_db(samples: Samples, rate: int) -> float:
    """Highest true peak of [frames, channels] in dBTP; -inf for silence."""
    highest = float(np.abs(samples).max(initial=0.0))
    if rate < _TRUE_PEAK_RATE and len(samples) > 1:
        # soxr needs a whole factor for a plain oversampling: 4 x 44.1 or 48 kHz, 2 x 88.2 or 96 kHz.
        factor = round(_TRUE_PEAK_RATE / rate)
        between = soxr.resample(samples.astype(np.float64), rate, rate * factor, quality="MQ")
        highest = max(highest, float(np.abs(between).max()))
    return _decibels(highest)


def match_gain(
    render: Samples, replaced: Samples, before: Samples, after: Samples, rate: int, song_peak_db: float
) -> GainMatch:
    """The one gain that makes a render as loud as its place asks. All arrays [frames, channels], one rate.

    replaced:      what stood in the region; empty or silent when nothing did.
    before, after: the song's neighbouring stretches, up to NEIGHBOUR_SECONDS of each are used.
    song_peak_db:  peak of the whole song; the render's true peak may reach this or CEILING_DBTP.

    Aims at the replaced stretch's loudness, at the neighbours' where that is silent, within MAX_GAIN_DB and
    never over the ceiling: for that it even turns a render down that would match.
    """
    reach = round(NEIGHBOUR_SECONDS * rate)
    near = [before[max(0, len(before) - reach) :], after[:reach]]
    neighbours = _mean_loudness([loudness(part, rate) for part in near])
    was = loudness(replaced, rate)
    now = loudness(render, rate)
    target, aim = _target(was, neighbours, now)
    gain, limit = _limited(aim - now if target is not Target.NOTHING else 0.0)
    headroom = max(song_peak_db, CEILING_DBTP) - true_peak_db(render, rate)
    if gain > headroom:
        gain, limit = headroom, Limit.TRUE_PEAK
    return GainMatch(gain, now, neighbours, was, target, limit)


def _target(replaced: float, neighbours: float, render: float) -> tuple[Target, float]:
    if render <= SILENCE_LUFS:
        return Target.NOTHING, 0.0
    if replaced > SILENCE_LUFS:
        return Target.REPLACED, replaced
    if neighbours > SILENCE_LUFS:
        return Target.NEIGHBOURS, neighbours
    return Target.NOTHING, 0.0


def _limited(gain: float) -> tuple[float, Limit]:
    clamped = max(-MAX_GAIN_DB, min(MAX_GAIN_DB, gain))
    return clamped, Limit.NOTHING if clamped == gain else Limit.RANGE


def _mean_loudness(values: list[float]) -> float:
    """Mean by energy of those that are not silent; -inf when all are."""
    heard = [10 ** (value / 10) for value in values if value > SILENCE_LUFS]
    return 10 * float(np.log10(sum(heard) / len(heard))) if heard else -np.inf


def _decibels(value: float) -> float:
    return 20 * float(np.log10(value)) if value > 0 else -np.inf
