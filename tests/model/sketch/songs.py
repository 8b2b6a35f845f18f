"""Small generated songs with known chords and stems, made of plain numpy sounds.

Everything is seeded: the same call gives the same samples.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.engine import Grid, RenderRequest, Samples, Song, Task

POP = ("C", "G", "Am", "F", "C", "F", "G", "C")
_ROOTS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11, "Bb": 10, "Eb": 3, "Ab": 8}


@dataclass(frozen=True)
class Generated:
    """A song, its grid, its true stems (float32 [frames, channels]) and the chord index of each beat."""

    song: Song
    grid: Grid
    stems: dict[str, Samples]
    chords: NDArray[np.int64]

    def beat_frame(self, beat: int) -> int:
        """First frame of a beat of the song (0 = its first downbeat)."""
        lead = int(np.searchsorted(self.grid.seconds, -1e-9))
        return round(float(self.grid.seconds[lead + beat]) * self.song.rate)

    def bar_frame(self, bar: int, bar_beats: int = 4) -> int:
        """First frame of a bar, 0-based."""
        return self.beat_frame(bar * bar_beats)


def song_of(samples: Samples, rate: int) -> Song:
    """A Song of samples [frames, channels], named by its content."""
    samples = np.ascontiguousarray(samples, dtype=np.float32)
    samples.flags.writeable = False
    digest = hashlib.sha256(samples.tobytes() + str((rate, samples.shape)).encode()).hexdigest()
    return Song(samples, rate, digest)


def grid_of(beat_seconds: NDArray[np.float64], bar_beats: int = 4, extra_bars: int = 24) -> Grid:
    """A grid over beats starting at a downbeat at bar 1, two bars before and `extra_bars` after it."""
    first, last = np.diff(beat_seconds)[0], np.diff(beat_seconds)[-1]
    lead, tail = 2 * bar_beats, extra_bars * bar_beats
    before = beat_seconds[0] + first * np.arange(-lead, 0)
    after = beat_seconds[-1] + last * np.arange(1, tail + 1)
    seconds = np.concatenate([before, beat_seconds, after])
    index = np.arange(len(seconds)) - lead
    gaps = np.append(np.diff(seconds), last)
    return Grid(
        seconds=seconds,
        beat_in_bar=(index % bar_beats).astype(np.int64),
        bar_beats=np.full(len(seconds), bar_beats, dtype=np.int64),
        bar=(index // bar_beats + 1).astype(np.int64),
        quarters_per_minute=60.0 / gaps,
    )


def beats_at(bpm: tuple[float, ...] | float, beats: int) -> NDArray[np.float64]:
    """Times of beats + 1 beats; several tempos divide the song into equal parts."""
    tempos = np.atleast_1d(np.asarray(bpm, dtype=np.float64))
    each = np.repeat(60.0 / tempos, -(-beats // len(tempos)))[:beats]
    return np.concatenate([[0.0], np.cumsum(each)])


def _decay(count: int, rate: int, seconds: float) -> NDArray[np.float64]:
    return np.exp(-np.arange(count) / rate / seconds)


def _note(hz: float, seconds: float, rate: int, decay: float, partials: int) -> NDArray[np.float64]:
    t = np.arange(int(seconds * rate)) / rate
    tone = sum(
        np.sin(2 * np.pi * hz * k * t) / k**1.3 for k in range(1, partials + 1) if hz * k < 0.45 * rate
    )
    attack = np.minimum(1.0, t / 0.004)
    release = np.minimum(1.0, (seconds - t) / 0.01)
    return tone * attack * release * np.exp(-t / decay)


def _hz(midi: float) -> float:
    return float(440.0 * 2.0 ** ((midi - 69.0) / 12.0))


def _kick(rate: int) -> NDArray[np.float64]:
    t = np.arange(int(0.2 * rate)) / rate
    return np.sin(2 * np.pi * (50 * t + 8 * (1 - np.exp(-t / 0.03)))) * np.exp(-t / 0.07)


def _noise_hit(rate: int, seconds: float, rng: np.random.Generator, low: float) -> NDArray[np.float64]:
    noise = rng.normal(0.0, 1.0, int(seconds * 6 * rate))
    noise = np.diff(noise, prepend=0.0) if low > 3000 else noise
    return noise * _decay(len(noise), rate, seconds)


class _Stem:
    def __init__(self, frames: int, rate: int) -> None:
        self.audio = np.zeros(frames)
        self.rate = rate

    def add(self, seconds: float, sound: NDArray[np.float64], gain: float) -> None:
        first = round(seconds * self.rate)
        skip = max(-first, 0)
        first = max(first, 0)
        count = min(len(sound) - skip, len(self.audio) - first)
        if count > 0:
            self.audio[first : first + count] += gain * sound[skip : skip + count]


def _triad(chord: str) -> tuple[int, int, int]:
    root = _ROOTS[chord.rstrip("m")]
    return root, root + (3 if chord.endswith("m") else 4), root + 7


def chord_index(chord: str) -> int:
    """0-11 major, 12-23 minor."""
    return _ROOTS[chord.rstrip("m")] + (12 if chord.endswith("m") else 0)


@functools.lru_cache(maxsize=24)
def make_song(
    bars: int = 24,
    bpm: tuple[float, ...] | float = 120.0,
    bar_beats: int = 4,
    progression: tuple[str, ...] = POP,
    drums: bool = True,
    lead: bool = True,
    exact_loop: bool = False,
    rate: int = 44100,
    channels: int = 2,
    seed: int = 1,
    late_seconds: float = 0.0,
    jitter_seconds: float = 0.0,
) -> Generated:
    """A song of `bars` bars, one chord each; `late_seconds` shifts the playing against the grid."""
    rng = np.random.default_rng(seed)
    beats = bars * bar_beats
    times = beats_at(bpm, beats)
    frames = round(float(times[-1]) * rate)
    stems = {name: _Stem(frames, rate) for name in ("drums", "bass", "chords", "lead")}
    kick, loop_rng = _kick(rate), np.random.default_rng(99)
    snare = _noise_hit(rate, 0.05, loop_rng, 500.0)
    hat = _noise_hit(rate, 0.018, loop_rng, 8000.0)
    chord_of_beat = np.zeros(beats, dtype=np.int64)

    def when(beat: float) -> float:
        whole = int(beat)
        gap = times[whole + 1] - times[whole]
        jitter = 0.0 if exact_loop else float(rng.normal(0.0, jitter_seconds)) if jitter_seconds else 0.0
        return float(times[whole] + (beat - whole) * gap) + late_seconds + jitter

    def loud() -> float:
        return 1.0 if exact_loop else float(np.exp(rng.normal(0.0, 0.12)))

    for bar in range(bars):
        chord = progression[bar % len(progression)]
        notes = _triad(chord)
        variant = 0 if exact_loop else int(rng.integers(0, 4))
        for beat in range(bar_beats):
            at = bar * bar_beats + beat
            gap = float(times[at + 1] - times[at])
            chord_of_beat[at] = chord_index(chord)
            if drums:
                accent = beat == 0 if bar_beats == 3 else beat % 2 == 0
                stems["drums"].add(when(at), kick if accent else snare, (0.8 if accent else 0.25) * loud())
                for half in (0.0, 0.5):
                    stems["drums"].add(when(at + half), hat, 0.12 * loud())
                if variant == 1 and beat == bar_beats - 1:
                    stems["drums"].add(when(at + 0.5), snare, 0.2 * loud())
                if variant == 2 and beat == 1:
                    stems["drums"].add(when(at + 0.5), kick, 0.6 * loud())
            low = 36 + notes[0] % 12 + (7 if variant == 3 and beat == bar_beats - 1 else 0)
            stems["bass"].add(
                when(at), _note(440 * 2 ** ((low - 69) / 12), gap * 0.9, rate, 0.5, 5), 0.3 * loud()
            )
            if beat == 0 or (variant >= 2 and beat == bar_beats // 2):
                held = gap * (bar_beats - beat) * 0.98
                for note in notes:
                    tone = _note(_hz(60 + note % 12), held, rate, 1.2, 6)
                    stems["chords"].add(when(at), tone, 0.1 * loud())
            if lead and (exact_loop or rng.random() < 0.75):
                pitch = 72 + (notes[beat % 3 if exact_loop else int(rng.integers(0, 3))]) % 12
                half = 0.0 if exact_loop or rng.random() < 0.7 else 0.5
                tone = _note(_hz(pitch), gap * 0.8, rate, 0.4, 4)
                stems["lead"].add(when(at + half), tone, 0.12 * loud())
    pans = {"drums": 0.0, "bass": 0.0, "chords": -0.3, "lead": 0.3}
    audio = {}
    for name, stem in stems.items():
        gains = np.array([1.0 - pans[name], 1.0 + pans[name]]) if channels == 2 else np.ones(1)
        audio[name] = (0.5 * stem.audio[:, None] * gains[None]).astype(np.float32)
    for stem in audio.values():
        stem.flags.writeable = False  # songs are shared between tests
    mix = sum(audio.values())
    return Generated(song_of(mix, rate), grid_of(times, bar_beats), audio, chord_of_beat)


def request_for(
    made: Generated, start: int, end: int, task: Task = Task.REPAINT, **changes: object
) -> RenderRequest:
    """A request for the frames [start, end) of a generated song."""
    values: dict[str, object] = {
        "task": task,
        "song": made.song,
        "rate": made.song.rate,
        "channels": made.song.channels,
        "start": start,
        "end": end,
        "grid": made.grid,
        "seed": 1,
    }
    return RenderRequest(**{**values, **changes})  # type: ignore[arg-type]
