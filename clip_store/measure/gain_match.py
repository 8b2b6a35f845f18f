"""The gain that makes a render sit where it is placed. Loudness in LUFS, -inf for silence."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from clip_store.audio.audio import Samples
from model.dsp.loudness import decibels, integrated, true_peak

SILENCE_LUFS = -60.0
"""A replaced stretch or a neighbour quieter than this says nothing about how loud a render should be."""

NEIGHBOUR_SECONDS = 3.0
"""How much of the song on each side is listened to: the short-term window of EBU Tech 3341."""

MAX_GAIN_DB = 9.0
CEILING_DBTP = -1.0
"""EBU R 128: the highest true peak of a production; songs that are already hotter may stay so."""


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
    neighbours = mean_loudness(integrated(part, rate) for part in near)
    was = integrated(replaced, rate)
    now = integrated(render, rate)
    target, aim = _target(was, neighbours, now)
    gain, limit = _limited(aim - now if target is not Target.NOTHING else 0.0)
    headroom = max(song_peak_db, CEILING_DBTP) - decibels(true_peak(render))
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


def mean_loudness(values: Iterable[float]) -> float:
    """Mean by energy, in LUFS, of those that are not silent; -inf when all are."""
    sounding = [10 ** (value / 10) for value in values if value > SILENCE_LUFS]
    return 10 * math.log10(sum(sounding) / len(sounding)) if sounding else -math.inf
