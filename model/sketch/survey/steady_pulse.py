"""The pulse of music at one tempo throughout, to a few parts in a hundred thousand.

The envelope is shifted to a candidate's frequency (heterodyned): at a steady tempo its phase stands still from window
to window, and a straight line through the phases corrects the frequency (least squares). What the phases scatter about
the line is how far the playing wanders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.sketch.survey.onset_bands import FRAME_RATE, LAG, Envelope, strength_at

# The window of a phase, and how far the windows are apart.
_WINDOW_SECONDS, _HOP_SECONDS = 12.0, 4.0
_HARMONICS = (1, 2, 4)  # the pulse itself, its halves and quarters: one of them sounds in any style
_SEARCH = np.linspace(-0.02, 0.02, 401)  # about a peak of the tempogram, whose own steps are 0.7 %
_DECIMATION = 32  # of the heterodyned envelope, which then only holds what is within 2 % of the pulse

# Phases that agree this well, in a line this far above its surroundings, are one tempo.
_LEAST_COHERENCE = 0.88
_LEAST_CLARITY = 9.0  # of 150 s; lines grow with the root of the length
_CLARITY_SECONDS = 150.0
_MOST_WANDER = 0.022  # seconds; a band with a click stays within 15 ms
# A tempo that drifts bends the line of its phases: by more than this, seconds, and more than the playing wanders.
_MOST_BEND, _BEND_SHARE = 0.012, 0.8

# The pulse is refined to eighths or so, between these a minute, so that off-beats are pulses too.
PULSES_FROM = 200.0
_PHASE_STEPS = 96
_BEFORE = 0.2


@dataclass(frozen=True)
class SteadyPulse:
    """Pulses at first + n * 60 / per_minute seconds.

    tempo:    of the tempogram peak it grew from; per_minute is this or a multiple of 2.
    error:    standard error of per_minute, as a share of it.
    wander:   how far the playing strays from the pulse, seconds (root mean square of 12 s windows).
    """

    per_minute: float
    first: float
    tempo: float
    error: float
    wander: float

    def times(self, seconds: float) -> NDArray[np.float64]:
        """Every pulse within the song; the first may be a little before it, as attacks and their measure are not
        exact."""
        step = 60.0 / self.per_minute
        first = self.first - step if self.first > (1.0 - _BEFORE) * step else self.first
        return np.asarray(np.arange(first, max(seconds - _BEFORE * step, first + step), step))


@dataclass(frozen=True)
class _Line:
    """One harmonic's phases: coherence 0..1, clarity above the surroundings, wander in seconds, whether they bend; the
    pulse corrected by their slope, with its standard error (both as shares)."""

    coherence: float
    clarity: float
    wander: float
    bends: bool
    correction: float
    error: float


def find_steady_pulse(
    envelope: Envelope, candidates: list[float], check: Callable[[], None]
) -> SteadyPulse | None:
    """The pulse near one of these tempos, best first, or None if none of them is steady."""
    least = max(_LEAST_CLARITY * np.sqrt(min(len(envelope) / FRAME_RATE / _CLARITY_SECONDS, 1.0)), 3.5)
    for tempo in candidates:
        check()
        tempo = _nearby(envelope, tempo)
        lines = {harmonic: _line(envelope, tempo / 60.0, harmonic) for harmonic in _HARMONICS}
        good = {
            harmonic: line
            for harmonic, line in lines.items()
            if line.coherence >= _LEAST_COHERENCE and line.clarity >= least and line.wander <= _MOST_WANDER
        }
        if good and not any(line.bends for line in good.values()):
            best = min(good.values(), key=lambda line: line.error)
            return _with_phase(envelope, tempo * (1.0 + best.correction), best)
    return None


def _nearby(envelope: Envelope, tempo: float) -> float:
    """The tempo within 2 % with the greatest Fourier coefficients over the whole song."""
    power = np.zeros(len(_SEARCH))
    for harmonic, weight in ((1, 1.0), (2, 1.0), (4, 0.5)):
        hertz = harmonic * tempo / 60.0
        slow, times = _heterodyned(envelope, hertz)
        power += weight * np.square(np.abs(np.exp(-2j * np.pi * hertz * _SEARCH[:, None] * times) @ slow))
    return tempo * float(1.0 + _SEARCH[int(np.argmax(power))])


def _heterodyned(envelope: Envelope, hertz: float) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """The envelope with `hertz` moved to 0, in means of _DECIMATION frames, and their times."""
    times = np.arange(len(envelope)) / FRAME_RATE + LAG
    moved = (envelope - envelope.mean()) * np.exp(-2j * np.pi * hertz * times)
    whole = len(moved) // _DECIMATION * _DECIMATION
    shape = (-1, _DECIMATION)
    return moved[:whole].reshape(shape).mean(axis=1), times[:whole].reshape(shape).mean(axis=1)


def _line(envelope: Envelope, hertz: float, harmonic: int) -> _Line:
    slow, times = _heterodyned(envelope, harmonic * hertz)
    rate = FRAME_RATE / _DECIMATION
    length = min(round(_WINDOW_SECONDS * rate), len(slow))
    starts = range(0, max(len(slow) - length, 0) + 1, max(round(_HOP_SECONDS * rate), 1))
    shape = np.hanning(length + 2)[1:-1]
    phasors = np.array([(slow[start : start + length] * shape).sum() for start in starts])
    middles = np.array([times[start : start + length].mean() for start in starts])
    weight = np.abs(phasors) + 1e-12
    coherence = float(abs(phasors.sum()) / weight.sum())
    phases = np.angle(phasors * np.exp(-1j * np.angle(phasors.sum())))
    slope, residual, slope_error = _weighted_line(middles, phases, weight)
    turn = 2.0 * np.pi * harmonic * hertz
    wander = float(np.sqrt((weight * np.square(residual)).sum() / weight.sum())) / turn
    bends = _bends(middles, residual / turn, weight)
    return _Line(coherence, _clarity(slow), wander, bends, slope / turn, max(slope_error / turn, 1e-7))


def _bends(seconds: NDArray[np.float64], late: NDArray[np.float64], weight: NDArray[np.float64]) -> bool:
    """Whether how late the windows are (seconds) follows a parabola: the tempo goes steadily up or down."""
    if len(seconds) < 5:
        return False
    x = (seconds - seconds.mean()) / (np.ptp(seconds) / 2.0)
    parabola = np.polyval(np.polyfit(x, late, 2, w=np.sqrt(weight)), x)
    left = float((weight * np.square(late - parabola)).sum() / ((weight * np.square(late)).sum() + 1e-18))
    return bool(np.ptp(parabola) > _MOST_BEND and left < 1.0 - _BEND_SHARE)


def _weighted_line(
    x: NDArray[np.float64], y: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], float]:
    """Slope, residuals and the slope's standard error; windows overlap, so a third of them is independent."""
    if len(x) < 3:
        return 0.0, y - y.mean(), 0.002
    share = weight / weight.sum()
    dx, dy = x - (share * x).sum(), y - (share * y).sum()
    spread = float((share * dx * dx).sum())
    slope = float((share * dx * dy).sum() / spread)
    residual = dy - slope * dx
    independent = max(len(x) / 3.0 - 1.0, 1.0)
    return slope, residual, float(np.sqrt((share * residual * residual).sum() / (spread * independent)))


def _clarity(slow: NDArray[np.complex128]) -> float:
    """Height of the line at 0 Hz above the median of what is near it, in the spectrum of a heterodyned envelope."""
    spectrum = np.abs(np.fft.fft(slow * np.hanning(len(slow)), 4 * len(slow)))
    near = max(round(4 * len(slow) * 0.006 * _DECIMATION / FRAME_RATE), 4)
    line = max(spectrum[: near + 1].max(), spectrum[-near:].max())
    around = np.concatenate([spectrum[4 * near : 40 * near], spectrum[-40 * near : -4 * near]])
    return float(line / (np.median(around) + 1e-12)) if len(around) else 0.0


def _with_phase(envelope: Envelope, tempo: float, line: _Line) -> SteadyPulse:
    """The pulse where most onsets are, refined to eighths."""
    per_minute = tempo
    while per_minute < PULSES_FROM:
        per_minute *= 2.0
    step = 60.0 / per_minute
    shifts = np.arange(_PHASE_STEPS) / _PHASE_STEPS * step
    count = max(int((len(envelope) / FRAME_RATE) / step) - 1, 1)
    score = strength_at(envelope, shifts[:, None] + step * np.arange(count)).mean(axis=1)
    best = int(np.argmax(score))
    left, middle, right = (score[(best + shift) % _PHASE_STEPS] for shift in (-1, 0, 1))
    bend = left - 2.0 * middle + right
    top = 0.5 * (left - right) / bend if bend < -1e-12 else 0.0
    return SteadyPulse(
        per_minute, float((best + top) / _PHASE_STEPS * step % step), tempo, line.error, line.wander
    )
