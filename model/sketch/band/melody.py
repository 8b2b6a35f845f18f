"""The sung line: its pitch over time, the confidence, and the tuning.

Probabilistic YIN (Mauch and Dixon, 2014): every frame has several candidate periods, each with the probability that a
threshold drawn from a prior would have picked it, and a Viterbi pass chooses the line through them.
Written on plain numpy; frame i is centred at i * HOP_SECONDS. This file knows no key, no bar and no chord.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.dsp.resample import ANALYSIS, resample

Floats = NDArray[np.float64]

RATE = 16000  # enough for a voice's pitch; divides the work at usual project rates by three to twelve
HOP_SECONDS = 0.01
HOP = round(RATE * HOP_SECONDS)
WINDOW = 768  # 48 ms: three periods of a low bass voice
LOW_HZ, HIGH_HZ = 65.0, 1000.0
LONGEST = int(RATE / LOW_HZ) + 1  # lags compared, in samples
SHORTEST = int(RATE / HIGH_HZ)
FFT_LENGTH = 1024  # window + longest lag fit, so the circular correlation never wraps
BINS_PER_SEMITONE = 5
LOW_PITCH = 69.0 + 12.0 * np.log2(LOW_HZ / 440.0)
BINS = int(np.ceil(12.0 * np.log2(HIGH_HZ / LOW_HZ) * BINS_PER_SEMITONE)) + 1

# If no threshold reaches the deepest dip, it still gets this share of their probability, less if shallow: in noise
# the deepest dip means nothing.
TRUST_IN_DEEPEST = 0.6
VOICED_BOOST = 1.5
UNVOICED_SPREAD = 0.04  # scales the unvoiced probability to that of a single bin; tuned against librosa.pyin
SWITCH_COST = np.log(0.01)  # between voiced and unvoiced, per frame
WIDEST_STEP = 21  # bins per frame: 4.2 semitones in 10 ms, faster than any portamento

QUIET_BELOW_LOUD_DB = 45.0  # breaths and headphone bleed between phrases are not singing
SOFT_BELOW_LOUD_DB = 25.0  # consonants and reverberation
SILENCE_DBFS = -70.0

GLIDE_SEMITONES_PER_SECOND = 25.0  # vibrato stays below 20
VIBRATO_FRAMES = 9  # either side: together about one cycle at 5 Hz
BLOCK_FRAMES = 512


@dataclass(frozen=True)
class Melody:
    """A sung line, one entry per frame of HOP_SECONDS.

    pitch:      float64 [frames], MIDI pitch at A = 440 Hz; NaN where nothing is sung.
    confidence: float64 [frames], 0..1, clarity of the pitch; 0 where nothing is sung.
    loud:       [frames], where the source is near its usual level, not breaths or reverberation; None = unknown.
    """

    pitch: Floats
    confidence: Floats
    loud: NDArray[np.bool_] | None = None

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """[frames], where something is sung."""
        return np.isfinite(self.pitch)

    @property
    def coverage(self) -> float:
        """Fraction of the time with a clear pitch, 0..1."""
        return float(np.mean(self.confidence > 0.5)) if len(self.pitch) else 0.0

    @property
    def line_share(self) -> float:
        """Fraction of what sounds that has one clear pitch, 0..1: much of a line, little of a mix."""
        if self.loud is None or not self.loud.any():
            return self.coverage
        return float(np.mean(self.confidence[self.loud] > 0.5))


def mono_at_rate(samples: NDArray[np.float32], rate: int, check: Callable[[], None]) -> NDArray[np.float32]:
    """Channel mean of [frames, channels] at RATE; `check` is called every few seconds of audio."""
    return resample(samples.mean(axis=1, dtype=np.float32), rate, RATE, quality=ANALYSIS, check=check)


def normalised_difference(frames: NDArray[np.float32]) -> Floats:
    """YIN's cumulative-mean-normalised difference of frames [n, FFT_LENGTH]; float64 [n, LONGEST + 2]."""
    from scipy.fft import irfft, rfft

    lags = LONGEST + 2
    whole = rfft(frames.astype(np.float64), axis=1)
    head = rfft(frames[:, :WINDOW].astype(np.float64), n=FFT_LENGTH, axis=1)
    correlation = irfft(whole * np.conj(head), n=FFT_LENGTH, axis=1)[:, :lags]
    running = np.cumsum(np.pad(frames.astype(np.float64) ** 2, ((0, 0), (1, 0))), axis=1)
    energy = running[:, WINDOW : WINDOW + lags] - running[:, :lags]
    difference = np.maximum(energy[:, :1] + energy - 2.0 * correlation, 0.0)
    mean = np.cumsum(difference[:, 1:], axis=1) / np.arange(1, lags)
    normalised: Floats = np.ones_like(difference)
    normalised[:, 1:] = difference[:, 1:] / np.maximum(mean, 1e-12)
    return normalised


def threshold_share(height: Floats) -> Floats:
    """Probability that a threshold drawn from the prior, beta(2, 8), is below `height` (closed form)."""
    above = 1.0 - height
    return np.asarray(1.0 - above**9 - 9.0 * height * above**8)


def candidates(normalised: Floats) -> tuple[Floats, Floats]:
    """Probability and pitch of the dip at every lag, each [n, lags]; probability 0 without a dip."""
    left, middle, right = (normalised[:, SHORTEST - 1 + k : LONGEST - 1 + k] for k in range(3))
    dip = (middle < left) & (middle <= right)
    curve = np.maximum(left - 2.0 * middle + right, 1e-12)
    offset = np.where(dip, 0.5 * (left - right) / curve, 0.0)
    height = np.where(dip, np.clip(middle - 0.25 * (left - right) * offset, 0.0, 1.0), 1.0)
    deepest_so_far = np.minimum.accumulate(height, axis=1)
    earlier = np.pad(deepest_so_far[:, :-1], ((0, 0), (1, 0)), constant_values=1.0)
    probability = np.maximum(threshold_share(earlier) - threshold_share(np.minimum(height, earlier)), 0.0)
    rows = np.arange(len(height))
    deepest = np.argmin(height, axis=1)
    depth = height[rows, deepest]
    probability[rows, deepest] += TRUST_IN_DEEPEST * (1.0 - depth) ** 2 * threshold_share(depth)
    lag = np.arange(SHORTEST, LONGEST) + offset
    return np.where(dip, probability, 0.0), 69.0 + 12.0 * np.log2(RATE / lag / 440.0)


def per_bin(probability: Floats, pitch: Floats) -> tuple[Floats, Floats]:
    """Candidates collected in bins of 20 cents: probability and mean pitch, each [n, BINS]."""
    rows, columns = np.nonzero(probability > 1e-4)
    weight, at = probability[rows, columns], pitch[rows, columns]
    bins = np.clip(np.round((at - LOW_PITCH) * BINS_PER_SEMITONE).astype(np.int64), 0, BINS - 1)
    flat = rows * BINS + bins
    size = len(probability) * BINS
    total: Floats = np.bincount(flat, weight, size).reshape(-1, BINS).astype(np.float64)
    mean: Floats = np.bincount(flat, weight * at, size).reshape(-1, BINS) / np.maximum(total, 1e-12)
    return total, mean


def best_line(probability: Floats, check: Callable[[], None]) -> NDArray[np.int64]:
    """The most probable path through [frames, BINS], -1 where unvoiced (Viterbi)."""
    frames = len(probability)
    voiced = np.log(np.maximum(np.minimum(VOICED_BOOST * probability, 1.0), 1e-6))
    mass = np.minimum(VOICED_BOOST * probability.sum(axis=1), 0.995)
    unvoiced = np.log((1.0 - mass) * UNVOICED_SPREAD)
    # Triangular with a maximum of 0: staying costs nothing, or else switching to unvoiced would always pay off.
    steps = np.log(1.0 - np.abs(np.arange(-WIDEST_STEP, WIDEST_STEP + 1)) / (WIDEST_STEP + 1.0))
    origin = np.zeros((frames, BINS), dtype=np.int16)  # bin before, -1 = unvoiced
    origin_unvoiced = np.zeros(frames, dtype=np.int16)
    padded = np.full(BINS + 2 * WIDEST_STEP, -np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * WIDEST_STEP + 1)
    score, rest = voiced[0].copy(), float(unvoiced[0])
    columns = np.arange(BINS)
    for frame in range(1, frames):
        if frame % BLOCK_FRAMES == 0:
            check()
        padded[WIDEST_STEP:-WIDEST_STEP] = score
        reached = windows + steps
        best = reached.argmax(axis=1)
        stayed = reached[columns, best]
        entered = rest + SWITCH_COST
        origin[frame] = np.where(stayed >= entered, columns + best - WIDEST_STEP, -1)
        last = int(score.argmax())
        left = float(score[last]) + SWITCH_COST
        origin_unvoiced[frame] = last if left > rest else -1
        score = np.maximum(stayed, entered) + voiced[frame]
        rest = max(left, rest) + float(unvoiced[frame])
    path = np.empty(frames, dtype=np.int64)
    path[-1] = int(score.argmax()) if score.max() > rest else -1
    for frame in range(frames - 1, 0, -1):
        here = path[frame]
        path[frame - 1] = origin[frame, here] if here >= 0 else origin_unvoiced[frame]
    return path


def framed(mono: NDArray[np.float32]) -> NDArray[np.float32]:
    """Views of FFT_LENGTH samples centred on every hop; [frames, FFT_LENGTH]."""
    padded = np.pad(mono, (FFT_LENGTH // 2, FFT_LENGTH))
    count = 1 + len(mono) // HOP
    return np.lib.stride_tricks.sliding_window_view(padded, FFT_LENGTH)[::HOP][:count]


def loud_frames(frames: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Frames that are neither silent nor far below the loud ones; of them those that are not much softer either."""
    power = np.concatenate(
        [np.mean(frames[i : i + BLOCK_FRAMES] ** 2, axis=1) for i in range(0, len(frames), BLOCK_FRAMES)]
    )
    decibels = 10.0 * np.log10(power + 1e-12)
    usual = float(np.percentile(decibels, 95))
    sounding, loud = (
        np.asarray(decibels > max(SILENCE_DBFS, usual - below))
        for below in (QUIET_BELOW_LOUD_DB, SOFT_BELOW_LOUD_DB)
    )
    return sounding, loud


def track(samples: NDArray[np.float32], rate: int, check: Callable[[], None] = lambda: None) -> Melody:
    """The melody in samples [frames, channels] at `rate`; `check` is called at least every 50 ms of work."""
    mono = mono_at_rate(samples, rate, check)
    frames = framed(mono)
    sounding, loud = loud_frames(frames)
    gathered = []
    for first in range(0, len(frames), BLOCK_FRAMES):
        check()
        found = candidates(normalised_difference(frames[first : first + BLOCK_FRAMES]))
        gathered.append(per_bin(*found))
    probability = np.concatenate([p for p, _ in gathered]) * sounding[:, None]
    pitch = np.concatenate([m for _, m in gathered])
    path = best_line(probability, check)
    return replace(read_line(path, probability, pitch), loud=loud)


def read_line(path: NDArray[np.int64], probability: Floats, pitch: Floats) -> Melody:
    """The line's exact pitch, from the candidates in its bin and the two adjacent ones."""
    rows = np.arange(len(path))
    near = np.clip(path[:, None] + np.arange(-1, 2), 0, BINS - 1)
    weight = probability[rows[:, None], near]
    total = weight.sum(axis=1)
    exact = (weight * pitch[rows[:, None], near]).sum(axis=1) / np.maximum(total, 1e-12)
    sung = (path >= 0) & (total > 1e-3)
    confidence = np.where(sung, np.minimum(1.0, total), 0.0)
    return Melody(np.where(sung, exact, np.nan), confidence)


def neighbours(values: Floats, reach: int) -> Floats:
    """[frames] -> [frames, 2 * reach + 1], NaN beyond the ends."""
    padded = np.pad(values, reach, constant_values=np.nan)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)


def steady_pitch(melody: Melody) -> Floats:
    """The intended notes: vibrato averaged out, glides removed (NaN); [frames]."""
    around = neighbours(melody.pitch, VIBRATO_FRAMES)
    with np.errstate(invalid="ignore"):
        same_note = np.abs(around - melody.pitch[:, None]) < 0.8
        five = neighbours(melody.pitch, 2)
        speed = np.abs(five[:, 4] - five[:, 0]) / (4 * HOP_SECONDS)
        glide = speed > GLIDE_SEMITONES_PER_SECOND
    total = np.where(same_note, around, 0.0).sum(axis=1)
    mean = total / np.maximum(same_note.sum(axis=1), 1)
    return np.asarray(np.where(melody.voiced & ~glide, mean, np.nan))


def tuning_semitones(melody: Melody) -> float:
    """The singer's tuning relative to A = 440 Hz, -0.5..0.5 semitones: the angle of the mean of e^(2 pi i pitch)."""

    pitch = steady_pitch(melody)
    sung = np.isfinite(pitch)
    turns = np.sum(melody.confidence[sung] * np.exp(2j * np.pi * pitch[sung]))
    return float(np.angle(turns) / (2 * np.pi)) if abs(turns) > 0 else 0.0
