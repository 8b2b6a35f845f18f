"""The sounds the test songs are made of: drums, strings and keys, a singer and melody instruments.

They are plain on purpose (a swept sine is a kick, a pulse train through moving formants is a singer) and are
nobody's product. Each returns mono samples at RATE unless it says otherwise.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

RATE = 44100

Mono = NDArray[np.float64]
Note = tuple[float, float, float]
"""Start in seconds, length in seconds, MIDI pitch."""


def hertz(pitch: float | Mono) -> Mono:
    return np.asarray(440.0 * 2.0 ** ((np.asarray(pitch) - 69) / 12))


def ramp(length: int, attack: float, release: float) -> Mono:
    """Envelope that rises and falls linearly (seconds) and is 1 between."""
    t = np.arange(length) / RATE
    return np.clip(np.minimum(t / max(attack, 1e-4), (length / RATE - t) / max(release, 1e-4)), 0, 1)


def filtered(sound: Mono, kind: str, edge: float | tuple[float, float]) -> Mono:
    return np.asarray(sosfilt(butter(2, edge, kind, fs=RATE, output="sos"), sound))


# --- drums -------------------------------------------------------------------------------------------------


def kick(rng: np.random.Generator) -> Mono:
    t = np.arange(int(0.32 * RATE)) / RATE
    phase = 2 * np.pi * (48 * t + 110 * 0.022 * (1 - np.exp(-t / 0.022)))
    click = rng.standard_normal(len(t)) * np.exp(-t / 0.003) * 0.3
    return np.sin(phase) * np.exp(-t / 0.10) * ramp(len(t), 0.001, 0.02) + filtered(click, "high", 1500)


def snare(rng: np.random.Generator) -> Mono:
    t = np.arange(int(0.3 * RATE)) / RATE
    tone = np.sin(2 * np.pi * 186 * t) + 0.6 * np.sin(2 * np.pi * 331 * t)
    noise = filtered(rng.standard_normal(len(t)), "high", 900)
    return 0.5 * tone * np.exp(-t / 0.06) + 0.6 * noise * np.exp(-t / 0.075)


def metal(rng: np.random.Generator, seconds: float, decay: float, low: float, noise: float) -> Mono:
    """Cymbal: a cloud of inharmonic partials and high-passed noise; the higher, the shorter."""
    t = np.arange(int(seconds * RATE)) / RATE
    tuned = np.random.default_rng(7)  # the same cymbal at every hit
    sound = noise * filtered(rng.standard_normal(len(t)), "high", low) * np.exp(-t / decay)
    for frequency in np.exp(tuned.uniform(np.log(low * 0.8), np.log(14000), 40)):
        sound += (
            0.12
            * np.sin(2 * np.pi * frequency * t + tuned.uniform(0, 6))
            * np.exp(-t / (decay * (4000 / frequency) ** 0.3))
        )
    return sound


def hat(rng: np.random.Generator) -> Mono:
    return 0.35 * metal(rng, 0.12, 0.03, 6000, 0.8)


def open_hat(rng: np.random.Generator) -> Mono:
    return 0.3 * metal(rng, 0.5, 0.16, 6000, 0.8)


def ride(rng: np.random.Generator) -> Mono:
    ping = metal(rng, 1.4, 0.5, 3200, 0.12)
    t = np.arange(len(ping)) / RATE
    return 0.3 * ping + 0.25 * np.sin(2 * np.pi * 5100 * t) * np.exp(-t / 0.02)


def crash(rng: np.random.Generator) -> Mono:
    return 0.4 * metal(rng, 2.2, 0.7, 2500, 0.7)


def rim(rng: np.random.Generator) -> Mono:
    t = np.arange(int(0.08 * RATE)) / RATE
    return (np.sin(2 * np.pi * 1650 * t) + 0.5 * rng.standard_normal(len(t))) * np.exp(-t / 0.012)


def shaker(rng: np.random.Generator) -> Mono:
    noise = filtered(rng.standard_normal(int(0.09 * RATE)), "high", 5000)
    return 0.3 * noise * np.hanning(len(noise))


Hit = tuple[Callable[[np.random.Generator], Mono], float, float, float]
"""Sound, beat in the bar, gain, pan."""
KIT: dict[str, tuple[Hit, ...]] = {
    "rock": tuple(
        [
            (kick, 0, 1, 0),
            (kick, 2, 0.9, 0),
            (kick, 2.5, 0.6, 0),
            (snare, 1, 0.8, 0.05),
            (snare, 3, 0.8, 0.05),
        ]
        + [(hat, k / 2, 0.8 if k % 2 else 1, -0.35) for k in range(8)]
    ),
    "soft": tuple(
        [(kick, 0, 0.7, 0), (kick, 2.5, 0.5, 0), (rim, 2, 0.4, 0.1)] + [(hat, k, 0.5, -0.3) for k in range(4)]
    ),
    "ride": (
        *[
            (ride, beat, gain, 0.35)
            for beat, gain in ((0, 1.0), (1, 0.9), (1.5, 0.7), (2, 1.0), (3, 0.9), (3.5, 0.7))
        ],
        *((hat, 1, 0.8, -0.3), (hat, 3, 0.8, -0.3), (kick, 0, 0.35, 0), (snare, 2.5, 0.3, 0)),
    ),
    "waltz": (
        (kick, 0, 0.8, 0),
        (hat, 1, 0.9, -0.3),
        (hat, 2, 0.9, -0.3),
        (snare, 1, 0.25, 0),
        (snare, 2, 0.25, 0),
    ),
    "four": tuple(
        [(kick, k, 1, 0) for k in range(4)]
        + [(open_hat, k + 0.5, 0.8, 0.2) for k in range(4)]
        + [(snare, 1, 0.7, 0), (snare, 3, 0.7, 0)]
    ),
    "crash": tuple(
        [
            (crash, 0, 0.6, 0.4),
            (kick, 0, 1, 0),
            (kick, 1.5, 0.8, 0),
            (kick, 2, 0.9, 0),
            (snare, 1, 1, 0),
            (snare, 3, 1, 0),
        ]
        + [(open_hat, k, 0.6, -0.4) for k in range(1, 4)]
    ),
    "hats16": tuple(
        [(kick, 0, 1, 0), (kick, 1.75, 0.7, 0), (kick, 2.5, 0.8, 0), (snare, 1, 0.9, 0), (snare, 3, 0.9, 0)]
        + [(hat, k / 4, (1, 0.5, 0.8, 0.5)[k % 4], 0.3) for k in range(16)]
    ),
    "bossa": tuple(
        [(kick, 0, 0.7, 0), (kick, 1.5, 0.5, 0), (kick, 2, 0.7, 0), (kick, 3.5, 0.5, 0)]
        + [(rim, k, 0.5, 0.2) for k in (0, 1.5, 3)]
        + [(shaker, k / 2, 1, -0.4) for k in range(8)]
    ),
}


# --- pitched sounds ----------------------------------------------------------------------------------------


def harmonics(
    frequency: float, length: int, count: int, tilt: float, decay: float, stretch: float = 0.0
) -> Mono:
    """Decaying partials: amplitude h^-tilt, the higher the shorter, slightly sharp by `stretch`."""
    t = np.arange(length) / RATE
    sound = np.zeros(length)
    for h in range(1, count + 1):
        partial = frequency * h * np.sqrt(1 + stretch * h * h)
        if partial > 16000:
            break
        sound += np.sin(2 * np.pi * partial * t + 1.7 * h * h) * h**-tilt * np.exp(-t * h**0.5 / decay)
    return sound


def pluck_string(frequency: float, length: int, rng: np.random.Generator) -> Mono:
    """Karplus and Strong's string: a burst of noise running round a damped delay line."""
    period = round(RATE / frequency)
    burst = np.zeros(length)
    burst[: min(period, length)] = filtered(rng.uniform(-1, 1, period), "low", 4500)[:length]
    loop = np.zeros(period + 2)
    loop[0], loop[period], loop[period + 1] = 1.0, -0.498, -0.498
    return np.asarray(lfilter([1.0], loop, burst))


@functools.cache
def tone(sound: str, pitch: float, seconds: float) -> Mono:
    """One note of a bass or chord instrument, by name."""
    rng = np.random.default_rng(int(pitch))
    length = int(seconds * RATE)
    frequency = float(hertz(pitch))
    t = np.arange(length) / RATE
    if sound in ("finger", "pick", "upright"):
        tilt, decay, count = {"finger": (1.6, 1.2, 14), "pick": (1.1, 1.0, 24), "upright": (1.9, 0.5, 10)}[
            sound
        ]
        return harmonics(frequency, length, count, tilt, decay) * ramp(length, 0.006, 0.03)
    if sound == "sub":
        return (np.sin(2 * np.pi * frequency * t) + 0.15 * np.sin(4 * np.pi * frequency * t)) * ramp(
            length, 0.05, 0.2
        )
    if sound == "synth":
        return filtered(harmonics(frequency, length, 40, 1.0, 5.0), "low", 900) * ramp(length, 0.004, 0.02)
    if sound == "epiano":
        index = 1.6 * np.exp(-t / 0.5)
        return np.sin(2 * np.pi * frequency * t + index * np.sin(2 * np.pi * frequency * t)) * np.exp(
            -t / 1.2
        )
    if sound == "piano":
        return harmonics(frequency, length, 16, 1.3, 1.4, 2e-4) * ramp(length, 0.003, 0.06)
    if sound == "organ":
        drawbars = sum(
            np.sin(2 * np.pi * frequency * h * t) * g
            for h, g in ((1, 1), (2, 0.8), (3, 0.6), (4, 0.3), (8, 0.2))
        )
        return np.asarray(drawbars) * ramp(length, 0.01, 0.03)
    if sound == "bell":
        return np.sin(
            2 * np.pi * frequency * t + 1.2 * np.exp(-t) * np.sin(7 * np.pi * frequency * t)
        ) * np.exp(-t / 0.9)
    if sound == "pluck":
        return pluck_string(frequency, length, rng) * ramp(length, 0.001, 0.05)
    if sound == "fuzz":
        return filtered(np.tanh(4 * harmonics(frequency, length, 20, 1.0, 8.0)), "low", 4500) * ramp(
            length, 0.004, 0.03
        )
    raise KeyError(sound)


@functools.cache
def pad_note(pitch: float, seconds: float) -> NDArray[np.float64]:
    """Six detuned saws, spread across the stereo field; [frames, 2]."""
    rng = np.random.default_rng(int(pitch))
    length = int(seconds * RATE)
    out = np.zeros((length, 2))
    for spread in np.linspace(-1, 1, 6):
        voice = harmonics(float(hertz(pitch + 0.09 * spread)), length, 18, 1.1, 50.0)
        shift = int(rng.integers(0, 400))
        out += panned(np.roll(voice, shift), 0.8 * spread)
    return out * (ramp(length, 0.15, 0.3))[:, None]


def panned(mono: Mono, pan: float) -> NDArray[np.float64]:
    """Equal-power panning, -1 left .. 1 right; [frames, 2]."""
    angle = (pan + 1) * np.pi / 4
    return np.stack([mono * np.cos(angle), mono * np.sin(angle)], axis=1) * np.sqrt(2)


# --- leads -------------------------------------------------------------------------------------------------

VOWELS = {
    "a": (800, 1200, 2600),
    "e": (480, 1900, 2550),
    "i": (300, 2250, 2950),
    "o": (480, 850, 2500),
    "u": (330, 750, 2300),
}
"""Three formants in Hz."""
CONSONANTS = {
    "s": (5000, 11000, 0.10, 0.5),
    "t": (3000, 9000, 0.03, 0.7),
    "k": (1500, 4000, 0.04, 0.6),
    "h": (800, 5000, 0.07, 0.25),
}
"""Lower and upper edge in Hz, seconds, gain."""
CONTROL = 220
"""Audio samples per control point (5 ms)."""


def pitch_curve(
    notes: list[Note], length: int, rng: np.random.Generator, vibrato: float, glide: float
) -> Mono:
    """MIDI pitch per control point: notes joined by glides, with delayed vibrato and slow drift."""
    points = length // CONTROL + 2
    curve = np.full(points, notes[0][2])
    depth = np.zeros(points)
    for start, seconds, pitch in notes:
        a, b = int(start * RATE / CONTROL), int((start + seconds) * RATE / CONTROL)
        curve[a:] = pitch
        depth[a:b] = np.clip((np.arange(b - a)[: points - a] * CONTROL / RATE - 0.2) / 0.25, 0, 1)[
            : len(depth[a:b])
        ]
    smooth = max(int(glide * RATE / CONTROL), 1)
    curve = np.convolve(
        np.pad(curve, smooth, "edge"), np.hanning(smooth + 2) / np.hanning(smooth + 2).sum(), "same"
    )
    curve = curve[smooth : smooth + points]
    wobble = np.cumsum(rng.standard_normal(points)) * 0.02
    wobble -= np.convolve(wobble, np.ones(101) / 101, "same")
    time = np.arange(points) * CONTROL / RATE
    return np.asarray(curve + vibrato * depth * np.sin(2 * np.pi * 5.4 * time) + np.clip(wobble, -0.15, 0.15))


def gate(notes: list[Note], length: int, attack: float, release: float) -> Mono:
    """Level per control point."""
    level = np.zeros(length // CONTROL + 2)
    for start, seconds, _ in notes:
        a, b = int(start * RATE / CONTROL), int((start + seconds) * RATE / CONTROL)
        b = min(b, len(level))
        time = np.arange(b - a) * CONTROL / RATE
        level[a:b] = np.maximum(
            level[a:b], np.clip(np.minimum(time / attack, (seconds - time) / release), 0, 1)
        )
    return level


def additive(curve: Mono, envelope: Callable[[Mono, Mono], Mono], level: Mono, length: int) -> Mono:
    """Sum of partials at h x curve; `envelope(hertz, control index)` gives each partial's gain."""
    at = np.arange(length) / CONTROL
    points = np.arange(len(curve), dtype=float)
    fundamental = hertz(curve)
    phase = 2 * np.pi * np.cumsum(np.interp(at, points, fundamental)) / RATE
    sound = np.zeros(length)
    for h in range(1, 41):
        gain = envelope(h * fundamental, points) * level * (h * fundamental < 12000)
        if gain.max() > 1e-4:
            sound += np.interp(at, points, gain) * np.sin(h * phase + 0.3 * h * h)
    return sound


def resonances(frequency: Mono, centres: NDArray[np.float64]) -> Mono:
    """Gain of three formants (centres [3, points]) over a glottal tilt."""
    gain = np.zeros_like(frequency)
    for centre, width, weight in zip(centres, (90, 120, 180), (1.0, 0.6, 0.4), strict=True):
        gain += weight / (1 + ((frequency - centre) / width) ** 2)
    return (gain + 0.02) * (200 / np.maximum(frequency, 100)) ** 0.6


def singer(notes: list[Note], length: int, rng: np.random.Generator) -> Mono:
    """Sung syllables: a pulse train through formants that move from vowel to vowel,
    with consonants between."""
    points = length // CONTROL + 2
    centres = np.zeros((3, points))
    noise = np.zeros(length)
    for start, _, _ in notes:
        centres[:, int(start * RATE / CONTROL) :] = np.array(VOWELS[str(rng.choice(list(VOWELS)))])[:, None]
        low, high, seconds, gain = CONSONANTS[str(rng.choice(list(CONSONANTS)))]
        burst = filtered(rng.standard_normal(int(seconds * RATE)), "band", (low, high)) * gain
        at = max(int((start - 0.6 * seconds) * RATE), 0)
        burst *= np.hanning(len(burst))
        noise[at : at + len(burst)] += burst[: length - at]
    window = np.hanning(15) / np.hanning(15).sum()
    centres = np.stack([np.convolve(np.pad(row, 7, "edge"), window, "valid") for row in centres])
    breath = filtered(rng.standard_normal(length), "band", (1500, 8000)) * 0.01
    level = gate(notes, length, 0.03, 0.06)
    voiced = additive(
        pitch_curve(notes, length, rng, 0.35, 0.07),
        lambda frequency, points: resonances(frequency, centres[:, : len(frequency)]),
        level,
        length,
    )
    return voiced + 0.5 * noise + breath * np.interp(np.arange(length) / CONTROL, np.arange(points), level)


def instrument_lead(sound: str, notes: list[Note], length: int, rng: np.random.Generator) -> Mono:
    """A melody instrument: its spectrum depends on pitch and loudness only, never on words."""
    level = gate(notes, length, 0.04 if sound != "sawlead" else 0.008, 0.05)
    swell = level * (0.75 + 0.25 * np.sin(np.arange(len(level)) * CONTROL / RATE * 2 * np.pi * 0.7))
    vibrato = {"saxophone": 0.25, "flute": 0.2, "sawlead": 0.1}[sound]
    curve = pitch_curve(notes, length, rng, vibrato, 0.03)

    def envelope(frequency: Mono, points: Mono) -> Mono:
        if sound == "saxophone":
            body = 1 / (1 + ((frequency - 700) / 500) ** 2) + 0.4 / (1 + ((frequency - 1800) / 600) ** 2)
            return body * np.where(frequency > 2500, 0.3 + 0.5 * swell, 1.0)
        if sound == "flute":
            return (500 / np.maximum(frequency, 500)) ** 2.2
        return (300 / np.maximum(frequency, 300)) * (1 / (1 + (frequency / 5000) ** 4))

    breath = filtered(rng.standard_normal(length), "band", (1000, 7000)) * (0.03 if sound != "sawlead" else 0)
    return additive(curve, envelope, swell, length) + breath * np.interp(
        np.arange(length) / CONTROL, np.arange(len(level)), swell
    )
