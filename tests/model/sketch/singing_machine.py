"""A plain singing machine for the tests: vowels with vibrato, glides between notes, consonants, drift off pitch.

Its pitch line is known exactly, which is what makes it a test of a pitch tracker.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.engine import Grid, RenderRequest, Song, Task
from tests.model.sketch.folk_songs import FolkSong

STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
FORMANTS = ((700, 1150, 2600), (420, 1900, 2550), (480, 900, 2500), (330, 2200, 2900))


@dataclass(frozen=True)
class SungNote:
    """pitch as MIDI number; start and seconds from the song's beginning."""

    pitch: int
    start: float
    seconds: float


def midi_pitch(name: str) -> int:
    """ "Bb4" -> 70."""
    return STEPS[name[0]] + name.count("#") - name.count("b") + 12 * (int(name[-1]) + 1)


def entries(text: str) -> Iterator[tuple[str, float, float]]:
    """(name, beat from the start, length) of all entries of a song's text."""
    at = 0.0
    for bar in text.split("|"):
        for entry in bar.split():
            name, length = entry.split(":")
            yield name, at, float(length)
            at += float(length)


def make_grid(
    bars: int,
    beats_per_bar: int,
    tempi: Sequence[float] | float,
    unit: int = 4,
    before: int = 1,
    after: int = 3,
) -> Grid:
    """A grid with `before` bars ahead of second 0 and `after` behind; `tempi` per beat of the song, or one."""
    inner = np.broadcast_to(np.asarray(tempi, dtype=float), bars * beats_per_bar)
    per_beat = np.concatenate(
        [np.full(before * beats_per_bar, inner[0]), inner, np.full(after * beats_per_bar, inner[-1])]
    )
    lengths = 60.0 / per_beat * 4.0 / unit
    seconds = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    seconds -= seconds[before * beats_per_bar]
    count = np.arange(len(per_beat))
    return Grid(
        seconds=seconds,
        beat_in_bar=count % beats_per_bar,
        bar_beats=np.full(len(count), beats_per_bar),
        bar=count // beats_per_bar + 1 - before,
        quarters_per_minute=per_beat,
        unit=unit,
    )


def beat_seconds(grid: Grid, beat: float) -> float:
    """Time of a beat counted from the first sample of the song."""
    first = int(np.argmin(np.abs(grid.seconds)))
    return float(np.interp(first + beat, np.arange(len(grid.seconds)), grid.seconds))


def notes_of(song: FolkSong, grid: Grid, transpose: int = 0) -> list[SungNote]:
    """The melody's notes in seconds on `grid`."""
    notes = []
    for name, beat, length in entries(song.melody):
        if name != "-":
            start = beat_seconds(grid, beat)
            seconds = beat_seconds(grid, beat + length) - start
            notes.append(SungNote(midi_pitch(name) + transpose, start, seconds))
    return notes


def pitch_line(
    notes: Sequence[SungNote], frames: int, rate: int, cents: float, seed: int
) -> NDArray[np.float64]:
    """MIDI pitch per frame, NaN where nobody sings: glides of 70 ms, vibrato after 0.25 s, each note a little off."""
    random = np.random.RandomState(seed)
    line = np.full(frames, np.nan)
    before = None
    for note in notes:
        sounding = max(0.08, note.seconds - 0.05)
        t = np.arange(max(1, round(sounding * rate))) / rate
        own = note.pitch + cents / 100.0 + random.uniform(-0.12, 0.12)
        depth = 0.35 * np.clip((t - 0.25) / 0.2, 0, 1)
        sung = own + depth * np.sin(2 * np.pi * random.uniform(4.8, 6.0) * t + random.uniform(0, 6))
        came_from = before if before is not None else own - 1.0
        sung += (came_from - own) * np.exp(-t / 0.025) * (t < 0.15)
        at = round(note.start * rate)
        line[at : at + len(t)] = sung[: max(0, frames - at)]
        before = own
    return line


def sing(
    notes: Sequence[SungNote], seconds: float, rate: int = 22050, cents: float = 0.0, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The voice, float32 [frames, 1] peaking at 0.5, and its true pitch line [frames]."""
    frames = round(seconds * rate)
    line = pitch_line(notes, frames, rate, cents, seed)
    random = np.random.RandomState(seed + 1)
    vowels = np.zeros(frames, dtype=int)
    level = np.zeros(frames)
    for note in notes:
        a, b = round(note.start * rate), min(frames, round((note.start + note.seconds) * rate))
        vowels[a:b] = random.randint(len(FORMANTS))
        t = np.arange(b - a) / rate
        level[a:b] = (
            random.uniform(0.7, 1.0)
            * np.clip(t / 0.03, 0, 1)
            * np.clip((note.seconds - 0.05 - t) / 0.04, 0, 1)
        )
    hertz = 440.0 * 2.0 ** ((np.nan_to_num(line, nan=57.0) - 69) / 12)
    phase = 2 * np.pi * np.cumsum(hertz) / rate
    formants = np.array(FORMANTS, dtype=float)[vowels]
    voice = np.zeros(frames)
    for harmonic in range(1, 21):
        f = harmonic * hertz
        gain = sum(1.0 / (1.0 + ((f - formants[:, k]) / (90.0 + 40 * k)) ** 2) / (1 + k) for k in range(3))
        voice += (f < 0.45 * rate) * (gain + 0.03) / harmonic**0.6 * np.sin(harmonic * phase)
    voice = voice * level * np.isfinite(line)
    for note in notes:
        a = max(0, round((note.start - 0.02) * rate))
        burst = random.uniform(-1, 1, round(0.05 * rate)) * np.hanning(round(0.05 * rate))
        voice[a : a + len(burst)] += 0.25 * burst[: max(0, frames - a)]
    voice += 0.002 * random.uniform(-1, 1, frames)
    return (0.5 * voice / np.abs(voice).max()).astype(np.float32)[:, None], line


def perform(
    song: FolkSong, rate: int = 22050, cents: float = 0.0, seed: int = 0, transpose: int = 0
) -> tuple[Song, Grid]:
    """A folk song sung on its own steady grid."""
    bars = song.melody.count("|") + 1
    grid = make_grid(bars, song.beats, song.tempo)
    voice, _ = sing(notes_of(song, grid, transpose), beat_seconds(grid, bars * song.beats), rate, cents, seed)
    return Song(voice, rate, f"{song.name} {rate} {cents} {seed} {transpose}"), grid


def request_for(song: Song, grid: Grid, **changes: object) -> RenderRequest:
    """Accompany the whole song, in its own rate, stereo."""
    values: dict[str, object] = {
        "task": Task.ACCOMPANY,
        "song": song,
        "rate": song.rate,
        "channels": 2,
        "start": 0,
        "end": song.frames,
        "grid": grid,
        "seed": 1,
    }
    values.update(changes)
    return RenderRequest(**values)  # type: ignore[arg-type]
