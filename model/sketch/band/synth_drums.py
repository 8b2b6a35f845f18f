"""The drum kit of the built-in band: pure functions of velocity and rate.

Each has the signature of a pitched `Sound` but ignores pitch and held time: a drum is hit and rings.
Each noise depends only on its name, so the kit sounds the same in every song.
"""

from __future__ import annotations

import numpy as np

from model.sketch.band.synth_keys import Signal, Sound, Wave, as_mono, clock, envelope, noise


def band(signal: Signal, rate: int, low: float, high: float) -> Signal:
    """`signal` with gentle skirts of 12 dB per octave below `low` and above `high` Hz, by its spectrum."""
    spectrum = np.fft.rfft(signal)
    hz = np.maximum(np.fft.rfftfreq(len(signal), 1.0 / rate), 1.0)
    gain = 1.0 / ((1.0 + (low / hz) ** 2) * (1.0 + (hz / high) ** 2))
    return np.fft.irfft(spectrum * gain, n=len(signal))


def struck(signal: Signal, t: Signal, velocity: float, level: float) -> Wave:
    """`signal` at `level` for the velocity, with half a millisecond of attack and a silent end."""
    return as_mono(level * velocity**1.25 * signal * envelope(t, t[-1] - 0.02, 0.0005, 0.02))


def kick(_pitch: float, _held: float, velocity: float, rate: int) -> Wave:
    """A head tuned down from 150 to 48 Hz in a few cycles, with the beater's click."""
    t = clock(0.36, rate)
    sweep = 48.0 * t + 102.0 * 0.028 * (1.0 - np.exp(-t / 0.028))
    head = np.sin(2 * np.pi * sweep) * np.exp(-t / 0.11)
    click = 0.25 * band(noise(len(t), "beater"), rate, 1500.0, 6000.0) * np.exp(-t / 0.004) * velocity
    return struck(np.tanh(1.6 * head) + click, t, velocity, 0.95)


def snare(_pitch: float, _held: float, velocity: float, rate: int) -> Wave:
    """Two modes of the head and the rattle of the wires."""
    t = clock(0.28, rate)
    head = np.sin(2 * np.pi * (182.0 * t + 0.6 * (1 - np.exp(-t / 0.012)))) * np.exp(-t / 0.055)
    head += 0.5 * np.sin(2 * np.pi * 331.0 * t) * np.exp(-t / 0.035)
    wires = band(noise(len(t), "wires"), rate, 1400.0, 8500.0) * np.exp(-t / (0.05 + 0.04 * velocity))
    return struck(0.55 * head + 1.5 * wires, t, velocity, 0.75)


def rim(_pitch: float, _held: float, velocity: float, rate: int) -> Wave:
    """Cross stick: short wood."""
    t = clock(0.09, rate)
    wood = np.sin(2 * np.pi * 1710.0 * t) * np.exp(-t / 0.008) + 0.7 * np.sin(2 * np.pi * 820.0 * t) * np.exp(
        -t / 0.014
    )
    tick = band(noise(len(t), "stick"), rate, 2000.0, 7000.0) * np.exp(-t / 0.005)
    return struck(0.6 * wood + 0.8 * tick, t, velocity, 0.6)


def brush(_pitch: float, _held: float, velocity: float, rate: int) -> Wave:
    """Wire brush on the snare: noise that swells for 15 ms and is gone."""
    t = clock(0.22, rate)
    sweep = band(noise(len(t), "brush"), rate, 1100.0, 6500.0)
    return struck(1.6 * sweep * (1.0 - 0.7 * np.exp(-t / 0.008)) * np.exp(-t / 0.055), t, velocity, 0.6)


def metal(t: Signal, rate: int) -> Signal:
    """Six clashing square-ish waves, the usual skeleton of a synthetic cymbal."""
    total = np.zeros_like(t)
    for hz in (2043.0, 3031.0, 3667.0, 4279.0, 5477.0, 8015.0):
        if hz < 0.45 * rate:
            total += np.sin(
                2 * np.pi * hz * t + 1.5 * np.sin(2 * np.pi * 1.73 * hz * t) * (2.73 * hz < 0.45 * rate)
            )
    return total / 6.0


def cymbal(
    name: str, seconds: float, decay: float, low: float, velocity: float, rate: int, level: float
) -> Wave:
    """Noise and metal above `low` Hz, fading with `decay` seconds."""
    t = clock(seconds, rate)
    high = min(13000.0, 0.4 * rate)
    hiss = band(noise(len(t), name) + 0.8 * metal(t, rate), rate, low, high)
    return struck(2.0 * hiss * np.exp(-t / decay), t, velocity, level)


def closed_hat(_pitch: float, _held: float, velocity: float, rate: int) -> Wave:
    """Closed hi-hat."""
    return cymbal("hat", 0.11, 0.018 + 0.014 * velocity, 7000.0, velocity, rate, 0.36)


def open_hat(_pitch: float, _held: float, velocity: float, rate: int) -> Wave:
    """Open hi-hat."""
    return cymbal("hat", 0.5, 0.13, 6500.0, velocity, rate, 0.32)


def ride(_pitch: float, _held: float, velocity: float, rate: int) -> Wave:
    """Ride cymbal: a ping over a long soft wash."""
    wash = cymbal("ride", 1.1, 0.32, 5200.0, velocity, rate, 0.2)
    t = clock(1.1, rate)
    ping = np.sin(2 * np.pi * 3150.0 * t) * np.exp(-t / 0.05) + 0.6 * np.sin(2 * np.pi * 4710.0 * t) * np.exp(
        -t / 0.09
    )
    return wash + struck(ping, t, velocity, 0.14)


def crash(_pitch: float, _held: float, velocity: float, rate: int) -> Wave:
    """Crash cymbal, two and a half seconds."""
    return cymbal("crash", 2.5, 0.55, 3500.0, velocity, rate, 0.5)


def tom(base: float, velocity: float, rate: int) -> Wave:
    """A tom tuned to `base` Hz."""
    t = clock(0.45, rate)
    sweep = base * (t + 0.5 * 0.03 * (1.0 - np.exp(-t / 0.03)))
    head = np.sin(2 * np.pi * sweep) * np.exp(-t / 0.13) + 0.35 * np.sin(2 * np.pi * 1.59 * sweep) * np.exp(
        -t / 0.07
    )
    skin = 0.2 * band(noise(len(t), "skin"), rate, 400.0, 4000.0) * np.exp(-t / 0.02)
    return struck(head + skin, t, velocity, 0.75)


def low_tom(_pitch: float, _held: float, velocity: float, rate: int) -> Wave:
    """Floor tom."""
    return tom(88.0, velocity, rate)


def mid_tom(_pitch: float, _held: float, velocity: float, rate: int) -> Wave:
    """Middle tom."""
    return tom(122.0, velocity, rate)


def high_tom(_pitch: float, _held: float, velocity: float, rate: int) -> Wave:
    """High tom."""
    return tom(168.0, velocity, rate)


def clap(_pitch: float, _held: float, velocity: float, rate: int) -> Wave:
    """A few hands: three bursts 9 ms apart and a short room."""
    t = clock(0.24, rate)
    hands = sum(np.exp(-np.maximum(t - late, 0.0) / 0.004) * (t >= late) for late in (0.0, 0.009, 0.018))
    shape = hands + 0.6 * np.exp(-t / 0.06)
    return struck(1.1 * band(noise(len(t), "hands"), rate, 900.0, 3500.0) * shape, t, velocity, 0.7)


def shaker(_pitch: float, _held: float, velocity: float, rate: int) -> Wave:
    """Shaker: a soft grain."""
    t = clock(0.09, rate)
    grain = band(noise(len(t), "grain"), rate, 5000.0, 11000.0)
    return struck(1.6 * grain * (1.0 - np.exp(-t / 0.006)) * np.exp(-t / 0.025), t, velocity, 0.45)


DRUMS: dict[str, Sound] = {
    "kick": kick,
    "snare": snare,
    "rim": rim,
    "brush": brush,
    "closed hat": closed_hat,
    "open hat": open_hat,
    "ride": ride,
    "crash": crash,
    "low tom": low_tom,
    "mid tom": mid_tom,
    "high tom": high_tom,
    "clap": clap,
    "shaker": shaker,
}

# Each drum's key in the General MIDI percussion map, for the arrangement file.
DRUM_PITCHES: dict[str, int] = {
    "kick": 36,
    "snare": 38,
    "rim": 37,
    "brush": 40,
    "closed hat": 42,
    "open hat": 46,
    "ride": 51,
    "crash": 49,
    "low tom": 41,
    "mid tom": 47,
    "high tom": 50,
    "clap": 39,
    "shaker": 70,
}
