"""Small songs with known beats: drums, bass and chords of plain numpy sounds, at any tempo, meter and lead-in.

Written apart from the songs that the sketch engine was made with, so that nothing the analysis was fitted to is tested
by itself. Everything is seeded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.engine import Song

RATE = 22_050
_CHORDS = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))
_OTHER_CHORDS = ((2, 5, 9), (4, 7, 11), (9, 12, 16), (7, 11, 14))

# Instrument, place in the bar in beats of the meter's denominator, strength.
Figure = tuple[tuple[str, float, float], ...]
FOUR: Figure = (
    *(("kick", 0.0, 1.0), ("snare", 1.0, 0.8), ("kick", 2.0, 0.9), ("kick", 2.5, 0.6), ("snare", 3.0, 0.8)),
    *(("hat", eighth / 2, 0.3) for eighth in range(8)),
)
HALF_TIME: Figure = (
    *(("kick", 0.0, 1.0), ("snare", 2.0, 0.9), ("kick", 3.5, 0.5)),
    *(("hat", eighth / 2, 0.3) for eighth in range(8)),
)
WALTZ: Figure = (("kick", 0.0, 1.0), ("hat", 1.0, 0.5), ("hat", 2.0, 0.5))
SIX: Figure = (
    ("kick", 0.0, 1.0),
    ("snare", 3.0, 0.8),
    *(("hat", float(eighth), 0.35) for eighth in range(6)),
)
SEVEN: Figure = (
    *(("kick", 0.0, 1.0), ("snare", 2.0, 0.7), ("kick", 4.0, 0.8), ("snare", 5.0, 0.7)),
    *(("hat", float(eighth), 0.3) for eighth in range(7)),
)
STRUMS: Figure = (("chord", 0.0, 1.0), ("chord", 1.0, 0.6), ("chord", 2.0, 0.8), ("chord", 3.0, 0.6))


@dataclass(frozen=True)
class RhythmSong:
    """A song, the seconds of its beats (of the meter's denominator) from its first downbeat on, and beats a bar."""

    song: Song
    beats: NDArray[np.float64]
    bar: int

    @property
    def downbeats(self) -> NDArray[np.float64]:
        return self.beats[:: self.bar]


def steady(bpm: float, bars: int, bar: int = 4) -> NDArray[np.float64]:
    """Beats at one tempo, in the meter's denominator, one more than the bars hold."""
    return np.arange(bars * bar + 1) * 60.0 / bpm


def at_tempos(tempos: NDArray[np.float64]) -> NDArray[np.float64]:
    """Beats with a tempo for each."""
    return np.concatenate([[0.0], np.cumsum(60.0 / tempos)])


def make(
    beats: NDArray[np.float64],
    figure: Figure = FOUR,
    bar: int = 4,
    lead_in: float = 0.0,
    jitter: float = 0.0,
    noise: float = 0.0,
    form: str = "A",
    seed: int = 0,
) -> RhythmSong:
    """A song on these beats, `lead_in` seconds into the file.

    noise: a level of hiss from the file's first sample on. form: a letter for each stretch of bars of equal number.
    """
    rng = np.random.default_rng([seed, 7])
    beats = beats + lead_in
    length = round((beats[-1] + 0.5) * RATE)
    out = rng.normal(0.0, noise, length) if noise else np.zeros(length)
    bars = (len(beats) - 1) // bar

    def second(beat: float) -> float:
        return float(np.interp(beat, np.arange(len(beats)), beats)) + float(rng.normal(0.0, jitter))

    for index in range(bars):
        letter = form[min(index * len(form) // bars, len(form) - 1)]
        chord = (_CHORDS if letter in "AC" else _OTHER_CHORDS)[index % 4]
        length = second((index + 1) * bar) - second(index * bar)
        for name, place, strength in figure:
            if name == "chord":
                _add(out, second(index * bar + place), _chord(chord, 0.9 * length / bar) * strength * 0.2)
            elif letter != "B" or name != "kick":
                _add(out, second(index * bar + place), SOUNDS[name](rng) * strength)
        _add(out, second(index * bar), _tone(33 + chord[0], 0.8 * length, 6) * 0.3)
        if not any(name == "chord" for name, _, _ in figure):
            _add(out, second(index * bar), _chord(chord, 0.95 * length) * (0.15 if letter == "A" else 0.22))
    out *= 0.5 / np.abs(out).max()
    samples = out.astype(np.float32)[:, None]
    samples.flags.writeable = False
    return RhythmSong(Song(samples, RATE, f"rhythm-{seed}"), beats, bar)


def _add(out: NDArray[np.float64], second: float, sound: NDArray[np.float64]) -> None:
    first = max(round(second * RATE), 0)
    part = sound[: max(len(out) - first, 0)]
    out[first : first + len(part)] += part


def _decaying(seconds: float, decay: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    time = np.arange(round(seconds * RATE)) / RATE
    return time, np.exp(-time / decay)


def _kick(_: np.random.Generator) -> NDArray[np.float64]:
    time, shape = _decaying(0.25, 0.07)
    return np.sin(2 * np.pi * (50.0 * time - 4.0 * np.exp(-time / 0.02))) * shape


def _snare(rng: np.random.Generator) -> NDArray[np.float64]:
    time, shape = _decaying(0.2, 0.05)
    return (0.6 * rng.normal(0.0, 0.5, len(time)) + 0.4 * np.sin(2 * np.pi * 190.0 * time)) * shape


def _hat(rng: np.random.Generator) -> NDArray[np.float64]:
    time, shape = _decaying(0.08, 0.02)
    return np.diff(rng.normal(0.0, 0.5, len(time) + 1)) * shape


SOUNDS: dict[str, Callable[[np.random.Generator], NDArray[np.float64]]] = {
    "kick": _kick,
    "snare": _snare,
    "hat": _hat,
}


def _tone(midi: float, seconds: float, partials: int) -> NDArray[np.float64]:
    time, shape = _decaying(seconds, 1.2 * seconds)
    hertz = 440.0 * 2.0 ** ((midi - 69.0) / 12.0)
    tone = sum(np.sin(2 * np.pi * hertz * part * time) / part for part in range(1, partials + 1))
    return np.asarray(tone * shape * np.minimum(time / 0.005, 1.0))


def _chord(steps: tuple[int, ...], seconds: float) -> NDArray[np.float64]:
    return np.asarray(sum(_tone(60 + step, seconds, 5) for step in steps))
