"""Measures backings for real mixes and for made ones whose chords are known, next to chords that listen to nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import sketch_measures as measures
from benchmarks.real_music.packages import FOLDER, beat_seconds, read_parts
from benchmarks.real_music.pieces import PIECES
from benchmarks.sketch_columns import Column, Columns
from benchmarks.sketch_measures import lead_beats
from benchmarks.sketch_songs import song as made_song
from model.blueprint import Blueprint
from model.dsp import loudness
from model.engine import Piece, Report, Samples, Task
from model.pace import Pace
from model.sketch.analysis.chords import TEMPLATES
from model.sketch.band import accompany, harmony, sung_bars
from model.sketch.band.harmony import Taste
from model.sketch.band.voice_analysis import listen
from model.sketch.engine import SketchEngine
from tests.model.sketch.songs import Generated, grid_of, request_for, song_of

OURS, MELODY, LOOP, RANDOM = "Sketch", "melody alone", "I V vi IV", "random"
SECONDS = 40.0
MADE = (
    "pop120", "pop92", "waltz96", "through104", "human96", "swing140",
    "held_out_minor132", "held_out_human102", "held_out_waltz150", "held_out_late112", "held_out_swing126",
)  # fmt: skip
LOOP_STEPS = ((0, 0), (7, 0), (9, 12), (5, 0))
MINOR = 12
NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
SHARPS = {"C#": "Db", "D#": "Eb", "F#": "Gb", "G#": "Ab", "A#": "Bb"}

Line = NDArray[np.int64]
"""A triad for each beat: major 0-11, minor 12-23; -1 for none."""


def measure(name: str, song: Callable[[str], Generated]) -> Columns:
    """Backings for the first seconds of one real piece."""
    made = shortened(song(name))
    return compared(made, played_chroma(made, made.song.samples))


def measure_stem(name: str, folder: Path = FOLDER) -> Columns | None:
    """A backing for the lead of a piece that has its stems, against the chroma of its real backing."""
    if len(PIECES[name].files) < 2:
        return None
    (rest, lead), rate = read_parts(PIECES[name], folder, SECONDS + 20.0)
    # Leads come in late: the last seconds of what was read.
    beats = beat_seconds(name, len(lead) / rate)
    first = int(np.searchsorted(beats, 20.0)) // PIECES[name].meter * PIECES[name].meter
    start = round(float(beats[first]) * rate)
    grid = grid_of(beats[first:] - beats[first], PIECES[name].meter)
    count = len(beats) - 1 - first
    alone = Generated(song_of(lead[start:], rate), grid, {}, np.zeros(count, dtype=np.int64))
    return compared(alone, played_chroma(alone, rest[start:]), "stem ")


def measure_made(name: str) -> Columns:
    """Share of the beats of a made song on which a backing plays its chord."""
    made = shortened(made_song(name))
    line, _, report = backing(made)
    ours, by_melody = Column(), Column()
    group = "made held out" if name.startswith("held_out") else "made"
    for column, found in ((ours, line), (by_melody, melody_line(made))):
        count = min(len(found), len(made.chords))
        column.add(f"{group} chords", float(np.mean(found[:count] == made.chords[:count])))
    ours.add("called a mix", report.figures["source"] == "mix")
    return {OURS: ours, MELODY: by_melody}


def shortened(made: Generated) -> Generated:
    """The song's first whole bars, about SECONDS of them."""
    count = measures.bar_beats(made)
    lead = lead_beats(made)
    beats = int(np.searchsorted(made.grid.seconds, SECONDS) - lead) // count * count
    end = made.beat_frame(min(beats, len(made.chords)))
    times = made.grid.seconds[lead : lead + min(beats, len(made.chords)) + 1]
    cut = song_of(made.song.samples[:end], made.song.rate)
    return Generated(cut, grid_of(times, count), {}, made.chords[:beats])


def compared(made: Generated, heard: NDArray[np.float64], prefix: str = "") -> Columns:
    """Chord lines against the chroma [beats, 12] of what plays, and the backing's sound."""
    began = time.thread_time()
    line, mix, report = backing(made)
    seconds = (time.thread_time() - began) / (made.song.frames / made.song.rate)
    ours, by_melody, loop, random = Column(), Column(), Column(), Column()
    ours.add(f"{prefix}chord chroma", likeness(line, heard))
    by_melody.add(f"{prefix}chord chroma", likeness(melody_line(made), heard))
    bars = np.arange(len(heard)) // measures.bar_beats(made)
    loop.add(
        f"{prefix}chord chroma",
        max(likeness(loop_line(bars, key, turn), heard) for key in range(12) for turn in range(4)),
    )
    drawn = [np.random.default_rng(seed).integers(0, 24, int(bars[-1]) + 1)[bars] for seed in range(20)]
    random.add(f"{prefix}chord chroma", *(likeness(one, heard) for one in drawn))
    if not prefix:
        ours.add("called a mix", report.figures["source"] == "mix")
        ours.add("backing below the mix", loudness_of(made.song.samples, made) - loudness_of(mix, made))
        ours.add("onset", *map(abs, measures.onset_errors(mix, made, 0, len(mix))))
        ours.add("backing time", seconds)
    return {OURS: ours, MELODY: by_melody, LOOP: loop, RANDOM: random}


def backing(made: Generated) -> tuple[Line, Samples, Report]:
    """The chord of every beat, the band's sound and the report."""
    pieces, found, report = [], None, None
    request = request_for(made, 0, made.song.frames, Task.ACCOMPANY)
    for result in SketchEngine().render(request, lambda _: None, lambda: False):
        if isinstance(result, Piece) and result.stem == "mix":
            pieces.append(result.samples)
        elif isinstance(result, Blueprint):
            found = result
        elif isinstance(result, Report):
            report = result
    assert found is not None
    assert report is not None
    starts = np.array([chord.time for chord in found.chords])
    indices = np.array([chord_index(chord.name) for chord in found.chords])
    beats = made.grid.seconds[lead_beats(made) :][: len(made.chords)]
    return indices[np.searchsorted(starts, beats + 0.01) - 1], np.concatenate(pieces), report


def melody_line(made: Generated) -> Line:
    """The chords chosen from the pitch that was tracked alone, as it was for every source once."""
    request = request_for(made, 0, made.song.frames, Task.ACCOMPANY)
    voice = listen(request, made.song, Pace(lambda _: None, lambda: False))
    bars = accompany.bars_of(request)
    slots = sung_bars.sung_slots(voice.line, voice.tuning, request.grid, bars)
    found = np.full(len(request.grid.seconds), -1)
    for (_, first, beats), chord in zip(
        sung_bars.slots_of(bars), harmony.harmonise(slots, voice.key.key, Taste()), strict=True
    ):
        found[first : first + beats] = chord.root + MINOR * (chord.quality == "m")
    return found[lead_beats(made) :][: len(made.chords)]


def chord_index(name: str) -> int:
    """Of a triad's name."""
    root = name.removesuffix("m")
    return NAMES.index(SHARPS.get(root, root)) + (MINOR if name.endswith("m") else 0)


def loop_line(bars: NDArray[np.int64], key: int, turn: int) -> Line:
    """The commonest four chords in pop, in any key and from any of them on."""
    steps = [(key + root) % 12 + quality for root, quality in LOOP_STEPS]
    return np.array(steps)[(bars + turn) % 4]


def likeness(line: Line, heard: NDArray[np.float64]) -> float:
    """Mean cosine of the chords' notes to what plays on their beats."""
    count = min(len(line), len(heard))
    use = line[:count] >= 0
    return float((TEMPLATES[line[:count][use]] * heard[:count][use]).sum(axis=1).mean())


def played_chroma(made: Generated, samples: Samples) -> NDArray[np.float64]:
    """Plain chroma of every beat, not the engine's."""
    edges = [made.beat_frame(beat) for beat in range(len(made.chords) + 1)]
    return measures.beat_chroma(samples[: edges[-1] + 1], made.song.rate, edges)


def loudness_of(samples: Samples, made: Generated) -> float:
    """LUFS."""
    return loudness.integrated(samples, made.song.rate, lambda: None)
