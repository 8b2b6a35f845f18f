"""The pitched sounds of the built-in band, each a pure function of pitch, length, loudness and rate.

A sound is float32 [frames, 1 or 2], peak about 1 at full velocity for a single note, starts within a
millisecond or two of its first sample (so that the grid can be trusted) and ends in silence.
This file knows the physics of strings and spectra, but no notes, bars or mix.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float32]
"""One note: float32 [frames, 1] or [frames, 2]."""

Sound = Callable[[float, float, float, int], Wave]
"""(pitch as MIDI number, seconds held, velocity 0..1, rate) -> Wave; the release follows the held time."""

Signal = NDArray[np.float64]


def hertz(pitch: float) -> float:
    """Frequency of a MIDI pitch (69 = 440 Hz); fractions of a semitone allowed."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


def noise(frames: int, name: str) -> Signal:
    """White noise in [-1, 1], always the same for the same name.

    RandomState, because numpy guarantees its stream never changes (NEP 19): a score will render the same in five years.
    """
    return np.random.RandomState(zlib.crc32(name.encode())).random_sample(frames) * 2.0 - 1.0


def clock(seconds: float, rate: int) -> Signal:
    """Frame times of a sound of `seconds`; at least one frame."""
    return np.arange(max(1, round(seconds * rate))) / rate


def envelope(t: Signal, held: float, attack: float, release: float) -> Signal:
    """Raised-cosine attack from 0 to 1, then 1, and after `held` seconds a raised-cosine release to 0."""
    rise = 0.5 - 0.5 * np.cos(np.pi * np.clip(t / attack, 0.0, 1.0))
    fall = 0.5 + 0.5 * np.cos(np.pi * np.clip((t - held) / release, 0.0, 1.0))
    return np.asarray(rise * fall)


def partials(
    t: Signal,
    phase: Signal,
    base: float,
    rate: int,
    weights: Sequence[float],
    decays: Sequence[float],
) -> Signal:
    """Sum of harmonics of `base` Hz: weights[h-1] at h times it, fading with decays[h-1] per second.

    `phase` is the phase of the first harmonic in cycles. Harmonics above 0.45 of the rate are omitted, to avoid
    aliasing.
    """
    angle = 2 * np.pi * np.asarray(phase)
    before, here, twice_cosine = np.zeros_like(t), np.sin(angle), 2.0 * np.cos(angle)
    total = np.zeros_like(t)
    for number, (weight, decay) in enumerate(zip(weights, decays, strict=True), start=1):
        if base * number > 0.45 * rate:
            break
        total += (weight * np.exp(-decay * t) if decay else weight) * here
        # sin((n+1)a) = 2 cos(a) sin(na) - sin((n-1)a): two cheap steps instead of a sine per harmonic.
        before, here = here, twice_cosine * here - before
    return total


def as_mono(signal: Signal) -> Wave:
    """[frames] -> float32 [frames, 1]."""
    return signal.astype(np.float32)[:, None]


def electric_piano(pitch: float, held: float, velocity: float, rate: int) -> Wave:
    """Two-operator FM: a body whose brightness follows velocity, and the short ting of the tine."""
    base = hertz(pitch)
    ring = 0.45 + 90.0 / base  # low tines ring longer
    t = clock(min(held, 4.0 * ring) + 0.12, rate)
    cycles = 2 * np.pi * base * t
    index = (0.35 + 1.5 * velocity**1.5) * np.exp(-t / (0.35 * ring)) * min(1.0, 500.0 / base)
    body = np.sin(cycles + index * np.sin(cycles))
    tine_ratio = 14.0 if base * 14.0 < 0.4 * rate else 5.0
    tine = 0.10 * velocity * np.exp(-t / 0.05) * np.sin(tine_ratio * cycles)
    shape = envelope(t, min(held, t[-1] - 0.11), 0.002, 0.11) * np.exp(-t / (1.1 * ring))
    return as_mono((0.8 * body + tine) * shape * velocity**1.2)


def bass(pitch: float, held: float, velocity: float, rate: int) -> Wave:
    """Fingered bass: eight harmonics, the high ones gone in a tenth of a second."""
    base = hertz(pitch)
    t = clock(held + 0.06, rate)
    weights = [1.0, 0.62, 0.36, 0.22, 0.12, 0.08, 0.05, 0.03]
    bright = [weight * (0.45 + 0.75 * velocity) ** min(h, 3) for h, weight in enumerate(weights)]
    decays = [0.5 + 1.1 * h**1.5 for h in range(len(weights))]
    string = partials(t, base * t, base, rate, bright, decays)
    finger = 0.12 * velocity * noise(len(t), "finger") * np.exp(-t / 0.004)
    return as_mono(0.62 * (string + finger) * envelope(t, held, 0.003, 0.055) * velocity**1.1)


def synth_bass(pitch: float, held: float, velocity: float, rate: int) -> Wave:
    """Rounder and steadier than `bass`, for slow and dreamy styles."""
    base = hertz(pitch)
    t = clock(held + 0.09, rate)
    tone = partials(t, base * t, base, rate, [1.0, 0.28, 0.12, 0.05], [0.25, 0.8, 2.0, 4.0])
    return as_mono(0.75 * np.tanh(1.3 * tone) * envelope(t, held, 0.006, 0.08) * velocity**1.1)


def pad(pitch: float, held: float, velocity: float, rate: int) -> Wave:
    """Slow strings: three detuned soft saws, different left and right for a wide pad."""
    base = hertz(pitch)
    release = 0.45
    t = clock(held + release, rate)
    shape = envelope(t, held, min(0.22, 0.5 * held + 0.02), release) * velocity**1.1
    weights = [1.0 / h**1.55 for h in range(1, 11)]
    sides = []
    for detunes in ((-7.0, 1.5, 5.0), (-4.5, -1.0, 7.5)):
        total = np.zeros_like(t)
        for number, cents in enumerate(detunes):
            phase = base * 2.0 ** (cents / 1200.0) * t + 0.31 * number
            total += partials(t, phase, base, rate, weights, [0.0] * len(weights))
        sides.append(0.24 * total * shape)
    return np.stack(sides, axis=1).astype(np.float32)


def organ(pitch: float, held: float, velocity: float, rate: int) -> Wave:
    """Drawbars 8', 4', 2 2/3' and 2' with a slow chorus; steady under a loud guitar."""
    base = hertz(pitch)
    t = clock(held + 0.07, rate)
    phase = base * t + 0.0009 * base / 6.0 * np.sin(2 * np.pi * 0.9 * t)
    tone = partials(t, phase, base, rate, [0.9, 0.5, 0.35, 0.2, 0.0, 0.1], [0.0] * 6)
    return as_mono(0.5 * tone * envelope(t, held, 0.008, 0.06) * velocity)


def string_loop(period: float, frames: int, damping: float, gain: float, name: str) -> Signal:
    """Karplus-Strong plucked string: noise circulating in a delay line of `period` frames with a soft filter.

    The loop is computed one period at a time, which makes it fast in numpy; `damping` 0..0.5 is the weight of the
    older neighbour (0.5 = dullest), and the filter's delay is subtracted from the line to stay in tune.
    """
    whole = int(period - damping)
    fraction = period - damping - whole
    taps = gain * np.convolve([1.0 - damping, damping], [1.0 - fraction, fraction])
    line = np.zeros(frames + 2 * whole + 4)
    burst = noise(whole, name)
    line[3 : 3 + whole] = burst - burst.mean()
    for first in range(3 + whole, frames + 3, whole):
        older = line[first - whole - 2 : first]
        line[first : first + whole] = taps[0] * older[2:] + taps[1] * older[1:-1] + taps[2] * older[:-2]
    return line[3 : 3 + frames]


def soften(signal: Signal, amount: float) -> Signal:
    """One-pole low pass, y[n] = (1 - amount) x[n] + amount y[n - 1]."""
    from scipy.signal import lfilter  # imported late, with the first sound instead of at server start

    return np.asarray(lfilter([1.0 - amount], [1.0, -amount], signal))


def plucked(pitch: float, held: float, velocity: float, rate: int, ring: float) -> Signal:
    """A nylon-like string, ringing `ring` seconds (to -60 dB) at middle C; harder plucks are brighter."""
    base = hertz(pitch)
    release = 0.09
    t = clock(min(held, 2.5) + release, rate)
    gain = 0.001 ** (1.0 / (base * ring * (261.6 / base) ** 0.4))
    # Damping per second, not per period: high strings have more periods per second, so each must damp less.
    damping = 0.5 * min(1.0, (rate / 48000.0) * 110.0 / base)
    string = string_loop(rate / base, len(t), max(damping, 0.04), gain, f"pluck {round(pitch)}")
    body = soften(string, (0.85 - 0.35 * velocity) * min(1.0, rate / 48000.0))
    return np.asarray(body * envelope(t, t[-1] - release + 1.0 / rate, 0.001, release) * velocity**1.1)


def pluck(pitch: float, held: float, velocity: float, rate: int) -> Wave:
    """Plucked nylon string."""
    return as_mono(1.6 * plucked(pitch, held, velocity, rate, ring=3.2))


def crunch(pitch: float, held: float, velocity: float, rate: int) -> Wave:
    """The same string through an overdriven small amplifier, for rock."""
    raw = 5.0 * plucked(pitch, held, 0.5 + 0.5 * velocity, rate, ring=4.0)
    return as_mono(0.5 * soften(np.tanh(raw), min(0.6, 0.6 * rate / 48000.0)) * velocity)


def lead(pitch: float, held: float, velocity: float, rate: int) -> Wave:
    """A singing lead between ocarina and voice: a short scoop up to the note, vibrato once it is held."""
    base = hertz(pitch)
    release = 0.10
    t = clock(held + release, rate)
    scoop = -35.0 * np.exp(-t / 0.025)
    vibrato = 16.0 * np.clip((t - 0.28) / 0.35, 0.0, 1.0) * np.sin(2 * np.pi * 5.3 * t)
    phase = np.cumsum(base * 2.0 ** ((scoop + vibrato) / 1200.0)) / rate
    weights = [
        1.0,
        0.42,
        0.30,
        0.16 * (0.4 + velocity),
        0.10 * (0.3 + velocity),
        0.05 * velocity,
        0.03 * velocity,
    ]
    tone = partials(t, phase, base, rate, weights, [0.0] * len(weights))
    swell = 0.82 + 0.18 * np.clip(t / 0.25, 0.0, 1.0)
    return as_mono(0.55 * tone * swell * envelope(t, held, 0.016, release) * velocity**1.1)


def bell(pitch: float, held: float, velocity: float, rate: int) -> Wave:
    """A small music-box bell: three inharmonic partials of a struck bar."""
    base = hertz(pitch)
    t = clock(min(held, 1.5) + 0.6, rate)
    tone = np.zeros_like(t)
    for ratio, weight, seconds in ((1.0, 1.0, 0.7), (2.76, 0.35, 0.25), (5.4, 0.14, 0.09)):
        if base * ratio < 0.45 * rate:
            tone += weight * np.exp(-t / seconds) * np.sin(2 * np.pi * base * ratio * t)
    return as_mono(0.5 * tone * envelope(t, t[-1] - 0.3, 0.001, 0.3) * velocity**1.2)


KEYS: dict[str, Sound] = {
    "electric piano": electric_piano,
    "bass": bass,
    "synth bass": synth_bass,
    "pad": pad,
    "organ": organ,
    "pluck": pluck,
    "crunch": crunch,
    "lead": lead,
    "bell": bell,
}
