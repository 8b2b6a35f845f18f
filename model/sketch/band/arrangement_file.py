"""The band's arrangement and its chords as MIDI files on the host's bars; they begin at the backing's first bar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.engine import Grid
from model.sketch.band.arrangement_midi import (
    DRUM_CHANNEL,
    TICKS_PER_QUARTER,
    Conductor,
    MidiNote,
    MidiTrack,
    Score,
    midi_bytes,
    tempi_from_seconds,
)
from model.sketch.band.arranger import Event
from model.sketch.band.harmony import Chord
from model.sketch.band.key_finding import SIGNATURE_SHIFT, SongKey
from model.sketch.band.leadsheet import Slot
from model.sketch.band.presets import Preset
from model.sketch.band.sung_bars import Bar
from model.sketch.band.synth_drums import DRUM_PITCHES

# Keys by number of fifths from C (A for minor), as MIDI key signatures spell them.
MAJOR_BY_FIFTHS = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
MINOR_BY_FIFTHS = (
    "Abm",
    "Ebm",
    "Bbm",
    "Fm",
    "Cm",
    "Gm",
    "Dm",
    "Am",
    "Em",
    "Bm",
    "F#m",
    "C#m",
    "G#m",
    "D#m",
    "A#m",
)

CHORD_BASS, CHORD_ROOT = 36, 48  # the octaves of C2 and C3
CHORD_VELOCITY = 0.7

Mark = tuple[Slot, Chord]
"""A slot and its chord."""


def key_signature(key: SongKey) -> str:
    """The key signature nearest to the key, as mido spells it; modes take the signature of their notes."""
    fifths = (key.tonic * 7 + 5) % 12 - 5 + SIGNATURE_SHIFT[key.mode]
    fifths = fifths + 12 if fifths < -6 else fifths - 12 if fifths > 6 else fifths
    names = MINOR_BY_FIFTHS if key.is_minor else MAJOR_BY_FIFTHS
    return names[fifths + 7]


def to_midi(
    grid: Grid,
    bars: Sequence[Bar],
    events: Sequence[Event],
    key: SongKey,
    marks: Sequence[Mark],
    preset: Preset,
    instruments: Sequence[str],
) -> bytes:
    """The file's bytes: tempo map, meters, key, chord names as markers, one track per instrument."""
    first, ticks_per_beat = bars[0].first_beat, TICKS_PER_QUARTER * 4 // grid.unit
    tracks = [
        MidiTrack(
            name,
            preset.parts[name].program,
            DRUM_CHANNEL if name == "drums" else channel,
            tuple(to_note(e, first, ticks_per_beat) for e in events if e.instrument == name),
        )
        for channel, name in enumerate(instruments)
    ]
    return midi_bytes(Score(conductor_of(grid, bars, key, marks), tuple(tracks)))


def chords_to_midi(grid: Grid, bars: Sequence[Bar], key: SongKey, marks: Sequence[Mark]) -> bytes:
    """The chords alone: the same tempo map and markers, and one track that holds each chord, for any instrument."""
    first, ticks_per_beat = bars[0].first_beat, TICKS_PER_QUARTER * 4 // grid.unit
    notes: list[MidiNote] = []
    held: list[Mark] = []
    for slot, chord in marks:
        if held and held[-1][1] == chord:
            bar, beat, beats = held[-1][0]
            held[-1] = ((bar, beat, beats + slot[2]), chord)
        else:
            held.append((slot, chord))
    for (_, beat, beats), chord in held:
        tick, length = round((beat - first) * ticks_per_beat), round(beats * ticks_per_beat)
        notes += [MidiNote(tick, length, pitch, CHORD_VELOCITY) for pitch in block_chord(chord)]
    track = MidiTrack("chords", 0, 0, tuple(notes))
    return midi_bytes(Score(conductor_of(grid, bars, key, marks), (track,)))


def block_chord(chord: Chord) -> tuple[int, ...]:
    """MIDI pitches of a held chord: the bass below, the notes from the root up above it; () where none plays."""
    if chord.silent:
        return ()
    return (CHORD_BASS + chord.bass % 12, *(CHORD_ROOT + chord.root + step for step in chord.intervals))


def conductor_of(grid: Grid, bars: Sequence[Bar], key: SongKey, marks: Sequence[Mark]) -> Conductor:
    """Tempo map, meters, key and chord names of the bars."""
    first, ticks_per_beat = bars[0].first_beat, TICKS_PER_QUARTER * 4 // grid.unit
    last = min(bars[-1].first_beat + bars[-1].beats, len(grid.seconds) - 1)
    return Conductor(
        tempi=tempi_from_seconds(grid.seconds[first : last + 1], 4.0 / grid.unit),
        meters=meters(grid, bars, ticks_per_beat),
        key=key_signature(key),
        markers=tuple(chord_markers(marks, key, first, ticks_per_beat)),
        length=(bars[-1].first_beat + bars[-1].beats - first) * ticks_per_beat,
    )


def meters(grid: Grid, bars: Sequence[Bar], ticks_per_beat: int) -> tuple[tuple[int, int, int], ...]:
    """A meter event wherever the number of beats per bar changes."""
    changes: list[tuple[int, int, int]] = []
    for bar in bars:
        if not changes or changes[-1][1] != bar.beats:
            changes.append(((bar.first_beat - bars[0].first_beat) * ticks_per_beat, bar.beats, grid.unit))
    return tuple(changes)


def chord_markers(
    marks: Sequence[Mark], key: SongKey, first: int, ticks_per_beat: int
) -> list[tuple[int, str]]:
    """A marker with the chord's name wherever the chord changes."""
    markers: list[tuple[int, str]] = []
    for (_, beat, _), chord in marks:
        name = chord.name(key)
        if not markers or markers[-1][1] != name:
            markers.append((round((beat - first) * ticks_per_beat), name))
    return markers


def to_note(event: Event, first: int, ticks_per_beat: int) -> MidiNote:
    """An event in ticks from the file's first bar."""
    return MidiNote(
        tick=int(np.round((event.beat - first) * ticks_per_beat)),
        length=max(1, int(np.round(event.beats * ticks_per_beat))),
        pitch=DRUM_PITCHES.get(event.sound, event.pitch),
        velocity=event.velocity,
    )
