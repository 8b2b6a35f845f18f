"""From the beats of a tracker to pulses and bars as the rest of the survey takes them.

A tracker knows which beats people tap and where bars begin, to 20 ms. Where one tempo fits all its beats, its exact
figure is measured as elsewhere; where none does, its beats are moved to their attacks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.sketch.survey.bars import FASTEST, SLOWEST, Bars, Level
from model.sketch.survey.onset_bands import FRAME_RATE, LAG, Envelope
from model.sketch.survey.steady_pulse import PULSES_FROM, SteadyPulse, find_steady_pulse
from model.sketch.survey.tracked_pulse import smoothed

Seconds = NDArray[np.float64]

_LEAST_BEATS = 8
_LEAST_SHARE = 0.3  # of the song that beats must cover
_EVEN, _LEAST_EVEN = (
    0.25,
    0.6,
)  # intervals differ by less than this from those around them, in this share of cases
_AROUND = 4  # intervals before and after
_ON_PULSE_SECONDS, _LEAST_ON_PULSE = 0.04, 0.9
_DOUBLE = 0.6  # of the usual interval: nearer than this, two beats are one

# Beats a bar -> meter, and the same where beats fall into thirds.
_SIMPLE = {2: "2/4", 3: "3/4", 4: "4/4", 5: "5/4", 6: "6/8", 7: "7/8"}
_COMPOUND = {2: "6/8", 3: "9/8", 4: "12/8"}


class Heard(Protocol):
    """What a tracker heard: seconds of beats and downbeats, each ascending."""

    @property
    def beats(self) -> Seconds: ...

    @property
    def downbeats(self) -> Seconds: ...


@dataclass(frozen=True)
class BeatPulses:
    """Pulses of about an eighth, `beat` of which make a beat. steady, clear: as in survey.Pulses."""

    seconds: Seconds
    steady: SteadyPulse | None
    beat: int
    clear: float


def usable(beats: Seconds, seconds: float) -> bool:
    """Whether these are the beats of a song of this length: enough, at a tempo people tap, and mostly even."""
    if len(beats) < _LEAST_BEATS:
        return False
    steps = np.diff(beats)
    usual = float(np.median(steps))
    even = float(np.mean(np.abs(steps / _usual_around(steps) - 1.0) < _EVEN))
    return (
        SLOWEST <= 60.0 / usual <= FASTEST
        and len(beats) * usual >= _LEAST_SHARE * seconds
        and even >= _LEAST_EVEN
    )


def beat_pulses(beats: Seconds, envelope: Envelope, check: Callable[[], None]) -> BeatPulses:
    """Pulses through usable beats. envelope: onsets of the rhythm. Raises RenderStopped."""
    beats = mended(beats)
    tempo = 60.0 / float(np.median(np.diff(beats)))
    steady = find_steady_pulse(envelope, [tempo], check)
    if steady is not None and _fits(steady, beats):
        beat = max(round(steady.per_minute / tempo), 1)
        return BeatPulses(steady.times(len(envelope) / FRAME_RATE), steady, beat, 1.0)
    frames = np.clip(np.round((beats - LAG) * FRAME_RATE), 0, len(envelope) - 1).astype(np.intp)
    found, played = smoothed(envelope, frames)
    if (np.diff(found) <= 0.0).any():
        found = beats
    beat = 1
    while beat * tempo < PULSES_FROM:
        beat *= 2
    count = beat * (len(found) - 1) + 1
    return BeatPulses(np.interp(np.arange(count) / beat, np.arange(len(found)), found), None, beat, played)


def mended(beats: Seconds) -> Seconds:
    """Beats without doubles, and with those the tracker passed over in a rest."""
    usual = float(np.median(np.diff(beats)))
    kept = [float(beats[0])]
    for time in beats[1:]:
        if time - kept[-1] >= _DOUBLE * usual:
            kept.append(float(time))
    steps = np.diff(kept)
    missed = np.maximum(np.round(steps / _usual_around(steps)), 1).astype(int)
    places = np.concatenate([[0], np.cumsum(missed)])
    return np.asarray(np.interp(np.arange(places[-1] + 1), places, kept))


def heard_bars(downbeats: Seconds, pulses: Seconds, beat: int) -> Bars | None:
    """Meter and first downbeat of pulses of which `beat` make a beat; None where too few bars are of one length."""
    meters = _COMPOUND if beat % 3 == 0 else _SIMPLE
    at = np.unique(np.round(np.interp(downbeats, pulses, np.arange(len(pulses)))).astype(int))
    at = (
        at[(at > 0) & (at < len(pulses) - 1)] if len(at) > 2 else at
    )  # those outside the pulses lie on the ends
    lengths = np.round(np.diff(at) / beat).astype(int)
    counts = {length: int((lengths == length).sum()) for length in meters}
    length = max(counts, key=lambda one: counts[one])
    if counts[length] < 2:
        return None
    bar = length * beat
    votes = np.bincount(at % bar, minlength=bar)
    first = int(np.argmax(votes))
    expected = max(len(at), len(pulses) / bar - 1.0)
    clear = min(float(votes[first]) / expected, 1.0)
    return Bars(meters[length], beat, bar, first, clear, counts[length] / len(lengths))


def heard_level_first(levels: list[Level], beat: int) -> list[Level]:
    """The levels with the tracker's own in front, as it was trained to find what people tap."""
    own = [level for level in levels if level.pulses == beat]
    return own + [level for level in levels if level.pulses != beat] if own else levels


def _usual_around(steps: Seconds) -> Seconds:
    """The median of the intervals around each."""
    padded = np.pad(steps, _AROUND, mode="reflect" if len(steps) > _AROUND else "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1)
    return np.asarray(np.median(windows, axis=1))


def _fits(steady: SteadyPulse, beats: Seconds) -> bool:
    """Whether nearly all beats lie on the steady pulse, and on the same ones of it."""
    step = 60.0 / steady.per_minute
    places = (beats - steady.first) / step
    late = np.abs(places - np.round(places)) * step
    beat = max(round(float(np.median(np.diff(beats))) / step), 1)
    same = np.bincount(np.round(places).astype(int) % beat).max() / len(beats)
    return bool(np.mean(late < _ON_PULSE_SECONDS) >= _LEAST_ON_PULSE and same >= _LEAST_ON_PULSE)
