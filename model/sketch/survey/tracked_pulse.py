"""The beats of music whose tempo changes: the likeliest course of the tempo first, then the beats along it.

The course is a Viterbi path through the tempogram; the beats are found by dynamic programming (D. Ellis, "Beat tracking
by dynamic programming", J. New Music Research 36, 2007), with the period of the course at each moment, and then laid
through the attacks by a smoothing spline on their intervals (Whittaker 1923), as a player's tempo has inertia and an
onset detector has not.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from model.sketch.survey.onset_bands import FRAME_RATE, LAG, Envelope
from model.sketch.survey.tempogram import STEPS, TEMPOS, Tempogram, preference, tempogram

Seconds = NDArray[np.float64]

_WINDOW_SECONDS, _HOP_SECONDS = 7.0, 0.5
_CENTRE, _OCTAVES = 115.0, 0.65
_REACH = 8  # steps of 0.7 % that the tempo may change in one hop, at a cost that grows with their square
_CHANGE_COST = 0.02
_TIGHTNESS = 80.0  # of beats to the course, against the strength of onsets; Ellis found 100 to 400 for pop at one tempo
_NEAR_SECONDS = 0.045  # an attack this near to a beat is the beat's
_UNHEARD = 0.05  # weight of a beat without an attack, against 1 of a strong one
_LOUD = 4.0  # times the median, from which an attack is strong
_PLAYED, _EXACT_SECONDS = 0.3, 0.025
_STIFFNESS = 2.0
_ITERATIONS = 2
_CHECK_FRAMES = 2000


def track_pulse(envelope: Envelope, check: Callable[[], None]) -> tuple[Seconds, Tempogram, float]:
    """Seconds of the beats, at least two; the tempogram they follow; the share of them at which something begins."""
    found = tempogram(envelope, check, _WINDOW_SECONDS, _HOP_SECONDS)
    course = tempo_course(found)
    frames = np.arange(len(envelope))
    tempo = np.exp(np.interp(frames / FRAME_RATE, found.seconds, np.log(course)))
    beats = _beats(envelope, 60.0 * FRAME_RATE / tempo, check)
    seconds, clear = smoothed(envelope, beats)
    return seconds, found, clear


def tempo_course(found: Tempogram) -> Seconds:
    """The likeliest tempo of each window: strong in the tempogram, liked, and near that of the window before."""
    liked = preference(TEMPOS, _CENTRE, _OCTAVES)
    strength = found.strength * liked
    strength = np.log(strength / (strength.max() + 1e-12) + 1e-3)
    shifts = np.arange(-_REACH, _REACH + 1)
    costs = _CHANGE_COST * np.square(shifts)
    best = strength[0]
    came_from = np.zeros((len(strength), STEPS), dtype=int)
    for window in range(1, len(strength)):
        padded = np.pad(best, _REACH, constant_values=-np.inf)
        options = (
            np.array([padded[_REACH + shift : _REACH + shift + STEPS] for shift in shifts]) - costs[:, None]
        )
        choice = np.argmax(options, axis=0)
        came_from[window] = np.arange(STEPS) + shifts[choice]
        best = options[choice, np.arange(STEPS)] + strength[window]
    path = [int(np.argmax(best))]
    for window in range(len(strength) - 1, 0, -1):
        path.append(int(came_from[window, path[-1]]))
    return np.asarray(TEMPOS[path[::-1]])


def _beats(envelope: Envelope, period: NDArray[np.float64], check: Callable[[], None]) -> NDArray[np.intp]:
    """Frames of the beats: Ellis's recursion, with a period for each frame."""
    strength = envelope / (envelope.std() + 1e-9)
    count = len(strength)
    score = strength.copy()
    before = np.full(count, -1)
    for frame in range(count):
        if frame % _CHECK_FRAMES == 0:
            check()
        first, last = frame - int(2 * period[frame]), frame - max(int(period[frame] / 2), 1)
        if last < 1:
            continue
        first = max(first, 0)
        steps = frame - np.arange(first, last)
        options = score[first:last] - _TIGHTNESS * np.square(np.log(steps / period[frame]))
        best = int(np.argmax(options))
        if options[best] > 0:
            score[frame] = strength[frame] + options[best]
            before[frame] = first + best
    tail = max(count - int(period[-1]) - 1, 0)
    found = [tail + int(np.argmax(score[tail:]))]
    while before[found[-1]] >= 0:
        found.append(int(before[found[-1]]))
    frames = np.array(found[::-1])
    return frames if len(frames) > 1 else np.array([0, max(count - 1, 1)])


def smoothed(envelope: Envelope, beats: NDArray[np.intp]) -> tuple[Seconds, float]:
    """Beats at their attacks, as far as there are any, with a tempo that changes no faster than a player's; and the
    share of them that have an attack there."""
    at, weight = _attacks(envelope, beats)
    if len(beats) < 4:
        return np.asarray(at + LAG), 0.0
    found = _whittaker(at, weight)
    played = (weight > _PLAYED) & (np.abs(at - found) < _EXACT_SECONDS)
    return np.asarray(found + LAG), float(played.mean())


def _attacks(envelope: Envelope, beats: NDArray[np.intp]) -> tuple[Seconds, Seconds]:
    """For each beat the time of the strongest attack near it, and how much that counts; the beat itself without one."""
    reach = round(_NEAR_SECONDS * FRAME_RATE)
    usual = float(np.median(envelope[envelope > 0])) if (envelope > 0).any() else 1.0
    at, weight = beats / FRAME_RATE, np.full(len(beats), _UNHEARD)
    for index, frame in enumerate(beats):
        low, high = max(frame - reach, 1), min(frame + reach + 1, len(envelope) - 1)
        if high <= low:
            continue
        top = low + int(np.argmax(envelope[low:high]))
        left, middle, right = envelope[top - 1 : top + 2]
        bend = left - 2.0 * middle + right
        shift = 0.5 * (left - right) / bend if bend < -1e-9 else 0.0
        if middle > usual:
            at[index] = (top + np.clip(shift, -0.5, 0.5)) / FRAME_RATE
            weight[index] += min(middle / (_LOUD * usual), 1.0)
    return at, weight


def _whittaker(at: Seconds, weight: Seconds) -> Seconds:
    """Least squares to `at`, with third differences (changes of the change of tempo) held small; twice, the second time
    with far-off attacks counting less."""
    from scipy.linalg import solveh_banded

    count = len(at)
    differences = np.zeros((4, count))
    for offset in range(4):  # bands of D'D for third differences, put together row by row
        for row in range(count - 3):
            coefficients = (-1.0, 3.0, -3.0, 1.0)
            for first in range(4 - offset):
                differences[offset, row + first] += coefficients[first] * coefficients[first + offset]
    found = at
    for _ in range(_ITERATIONS):
        bands = _STIFFNESS * differences
        bands[0] = bands[0] + weight
        found = solveh_banded(bands, weight * at, lower=True)
        weight = weight / (1.0 + np.square((at - found) / 0.02))
    return np.asarray(found)
