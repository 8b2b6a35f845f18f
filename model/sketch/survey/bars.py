"""Which pulses are beats, which beats begin a bar, and how many make one.

Every hypothesis (so many pulses a beat, so many beats a bar, beginning at this pulse) is scored by how much its
downbeats stand out: bass drum, bass notes, changes of harmony and of sound come on them in most music.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.sketch.survey.pulse_features import PulseFeatures
from model.sketch.survey.tempogram import Tempogram, preference

SLOWEST, FASTEST = 48.0, 215.0
_PULSES_A_BEAT = (1, 2, 3, 4, 6)
_CENTRE, _OCTAVES = 118.0, 0.55
# How much the tempogram's answer counts against people's preference.
_EVIDENCE = 0.3
# Three pulses a beat need that much more evidence than two or four.
_TERNARY = 0.6
# A tempo an octave away whose score is within this of the best is named as well.
_ALSO = 1.25

# Meter -> beats a bar, and how much more than in 4/4 its downbeats have to stand out.
_SIMPLE = {"4/4": (4.0, 1.0), "3/4": (3.0, 1.3), "5/4": (5.0, 1.7), "7/8": (3.5, 1.6), "5/8": (2.5, 1.8)}
# Where three pulses make a beat, a beat is a dotted quarter.
_COMPOUND = {"6/8": (2.0, 1.0), "9/8": (3.0, 1.5)}
_LEAST_BARS = 2
_HALFWAY = 0.25
_BEAT_SHARE = 0.5
"""How much beats that stand out from what is between them count, against downbeats among beats."""


@dataclass(frozen=True)
class Level:
    """pulses: a beat. tempo: beats a minute. score: the greater the likelier, on no scale."""

    pulses: int
    tempo: float
    score: float


@dataclass(frozen=True)
class Bars:
    """A reading of the pulses.

    beat, bar: in pulses. first: index of the first downbeat among the pulses, below `bar`.
    clear, clear_meter: 0..1, how far the best reading of downbeat and meter stands above the next.
    """

    meter: str
    beat: int
    bar: int
    first: int
    clear: float
    clear_meter: float

    @property
    def counted(self) -> float:
        """Pulses of one beat as the meter counts it: a quarter in 4/4, an eighth in 6/8."""
        return self.bar / int(self.meter.partition("/")[0])

    @property
    def quarter(self) -> float:
        """Pulses of a quarter note."""
        return self.counted * int(self.meter.partition("/")[2]) / 4.0


def levels(per_minute: NDArray[np.float64], tempogram: Tempogram) -> list[Level]:
    """The tempos that pulses of this rate allow, likeliest first; at least one.

    per_minute: pulses a minute around each window of the tempogram.
    """
    found = []
    for pulses in _PULSES_A_BEAT:
        tempo = float(np.median(per_minute)) / pulses
        if SLOWEST <= tempo <= FASTEST:
            liked = float(np.log(preference(tempo, _CENTRE, _OCTAVES)))
            heard = _EVIDENCE * np.log(tempogram.along(per_minute / pulses) + 1e-6)
            ternary = _TERNARY if pulses % 3 == 0 else 0.0
            found.append(Level(pulses, tempo, liked + float(heard) - ternary))
    return sorted(found, key=lambda level: -level.score)


def second_octave(found: list[Level]) -> Level | None:
    """The level at half or twice the tempo of the best that people may tap just as well; None if none comes near."""
    best = found[0]
    octaves = [level for level in found[1:] if level.pulses in (best.pulses * 2, best.pulses / 2)]
    return next((level for level in octaves if best.score - level.score < _ALSO), None)


def read_bars(features: PulseFeatures, beat: int) -> Bars:
    """Meter and downbeat of pulses of which `beat` make a beat."""
    accents = features.accents(2 * beat)
    readings = {}
    for meter, (beats, burden) in (_COMPOUND if beat % 3 == 0 else _SIMPLE).items():
        bar = round(beats * beat)
        if bar == beats * beat and _LEAST_BARS * bar <= len(accents):
            scores = _offsets(accents, beat if beats % 1 == 0 else max(beat // 2, 1), bar)
            readings[meter] = (scores, float(scores.max()) / burden)
    if not readings:
        return Bars("4/4", beat, 4 * beat, 0, 0.0, 0.0)
    meter, *others = sorted(readings, key=lambda one: -readings[one][1])
    scores, top = readings[meter]
    first = int(np.argmax(scores))
    following = readings[others[0]][1] if others else 0.0
    clear = _margin(scores[first], float(np.delete(scores, first).max()))
    if meter == "3/4" and _leans_on_its_middle(accents, beat, first):
        meter = "6/8"
    return Bars(meter, beat, len(scores), first, clear, _margin(top, following))


def _offsets(accents: NDArray[np.float64], beat: int, bar: int) -> NDArray[np.float64]:
    """Score of each pulse of a bar as its first."""
    profile = np.array([accents[start::bar].mean() for start in range(bar)])
    if bar % beat or beat == 1:  # no beat that divides the bar, or nothing between the beats
        return np.asarray(profile - profile.mean())
    on_beat = np.array([profile[start::beat].mean() for start in range(beat)])[np.arange(bar) % beat]
    beats = bar // beat
    return np.asarray(profile - on_beat + _BEAT_SHARE * beats / (beats - 1) * (on_beat - profile.mean()))


def _leans_on_its_middle(accents: NDArray[np.float64], beat: int, first: int) -> bool:
    """Whether a bar of three beats has its second accent halfway, so that it is two dotted beats: 6/8, not 3/4."""
    bar = 3 * beat
    if bar % 2:
        return False
    halfway, second, third = (
        float(accents[(first + place) % bar :: bar].mean()) for place in (bar // 2, beat, 2 * beat)
    )
    return halfway > max(second, third) + _HALFWAY


def _margin(best: float, following: float) -> float:
    return float(np.clip((best - max(following, 0.0)) / (best + 1e-9), 0.0, 1.0)) if best > 0 else 0.0
