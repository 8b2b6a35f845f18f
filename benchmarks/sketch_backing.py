"""Measures accompaniments to sung folk songs against the chords people play under them."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from benchmarks.sketch_columns import Column, Columns
from model.engine import RenderRequest, Report
from model.sketch.band.key_finding import parse_key
from model.sketch.engine import SketchEngine
from tests.model.sketch.folk_songs import ALL, HELD_OUT, FolkSong
from tests.model.sketch.singing_machine import entries, midi_pitch, perform, request_for

OURS, TONIC, PEOPLE = "Sketch", "tonic only", "people"
CENTS = (17.0, -24.0, 8.0)
RATE = 44100
TRIADS = {"": (0, 4, 7), "m": (0, 3, 7), "dim": (0, 3, 6)}
MODES = {"major": "", "mixolydian": "", "minor": "m", "dorian": "m"}

SONGS: dict[str, FolkSong] = {
    ("held_out_" if song in HELD_OUT else "") + song.name.replace(" ", "_"): song for song in ALL
}
QUICK = ("Amazing_Grace", "held_out_Oh!_Susanna")

Chord = tuple[int, str]


def parse_chord(name: str) -> Chord:
    """ "F#m" -> (6, "m")."""
    quality = next(q for q in ("dim", "m", "") if name.endswith(q))
    return midi_pitch(name.removesuffix(quality) + "4") % 12, quality


def written(song: FolkSong) -> list[Chord | None]:
    """What people play, per half beat; None before anybody plays."""
    chords: list[Chord | None] = []
    for name, _, length in entries(song.chords):
        chords += [None if name == "N" else parse_chord(name)] * round(2 * length)
    return chords


def charted(chart: Sequence[str], beats: int) -> list[Chord | None]:
    """A chart of bars ("G", "Em C") per half beat; a bar's chords share it evenly."""
    chords: list[Chord | None] = []
    for bar in chart:
        names = bar.split()
        chords += [parse_chord(names[k * len(names) // (2 * beats)]) for k in range(2 * beats)]
    return chords


def agreement(found: Sequence[Chord | None], truth: Sequence[Chord | None]) -> float:
    """Part of the time with the usual chord."""
    pairs = [(f, t) for f, t in zip(found, truth, strict=False) if t is not None]
    return float(np.mean([f == t for f, t in pairs]))


def strong_tones(chords: Sequence[Chord | None], song: FolkSong) -> list[bool]:
    """For each note on a strong beat: whether it is a tone of the chord there."""
    strong = (0,) if song.beats == 3 else (0, song.beats // 2)
    hits = []
    for name, beat, _ in entries(song.melody):
        chord = chords[round(2 * beat)] if round(2 * beat) < len(chords) else None
        if name != "-" and beat % song.beats in strong and chord is not None:
            hits.append((midi_pitch(name) - chord[0]) % 12 in TRIADS[chord[1]])
    return hits


def report_of(engine: SketchEngine, request: RenderRequest) -> Report:
    *_, report = engine.render(request, lambda _: None, lambda: False)
    assert isinstance(report, Report)
    return report


def measure(name: str) -> Columns:
    """Everything about the named folk song, sung off pitch; the key given, then found by ear."""
    song, engine = SONGS[name], SketchEngine()
    engine.load(lambda _: None)
    cents = CENTS[ALL.index(song) % len(CENTS)]
    voice, grid = perform(song, RATE, cents=cents, seed=ALL.index(song))
    key = parse_key(song.key)
    assert key is not None
    report_of(engine, request_for(voice, grid, end=RATE))  # what the first render pays once
    began = time.thread_time()
    given = report_of(engine, request_for(voice, grid, key=song.key))
    seconds = time.thread_time() - began
    ours, tonic, people = Column(), Column(), Column()
    truth = written(song)
    chords = charted(given.figures["chords"], song.beats)
    home: Chord = (key.tonic, MODES[song.key.split()[1]])
    ours.add("backing time", seconds / (voice.frames / voice.rate))
    ours.add("folk chords", agreement(chords, truth))
    tonic.add("folk chords", agreement([home] * len(truth), truth))
    if song in HELD_OUT:
        ours.add("folk chords held out", agreement(chords, truth))
        tonic.add("folk chords held out", agreement([home] * len(truth), truth))
    ours.add("strong beats", np.mean(strong_tones(chords, song)))
    tonic.add("strong beats", np.mean(strong_tones([home] * len(truth), song)))
    people.add("strong beats", np.mean(strong_tones(truth, song)))
    ours.add("tuning error", abs(given.figures["tuning_cents"] - cents))
    by_ear = report_of(engine, request_for(voice, grid, stems=("bass",)))
    ours.add("key found", parse_key(by_ear.figures["key"]) == key)
    ours.add("folk chords by ear", agreement(charted(by_ear.figures["chords"], song.beats), truth))
    return {OURS: ours, TONIC: tonic, PEOPLE: people}
