"""Chords as a MIDI track of held chords, next to a tempo map. mido writes it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import mido

from daw_protocol.timeline.chord import Chord

# The octaves of C2 and C3; the bass lies below the root.
BASS, ROOT = 36, 48
VELOCITY = 90


class ChordFrom(NamedTuple):
    """From a quarter of the file on this chord plays; None = no chord."""

    quarter: Fraction
    chord: Chord | None


def chord_track(chords: Sequence[ChordFrom], end: Fraction, ticks: int) -> mido.MidiTrack:
    """The track, up to the quarter `end`; each chord is held to the next one."""
    track = mido.MidiTrack([mido.MetaMessage("track_name", name="chords"), mido.Message("program_change")])
    now = 0
    for index, (quarter, chord) in enumerate(chords):
        start = round(quarter * ticks)
        until = round((chords[index + 1].quarter if index + 1 < len(chords) else end) * ticks)
        if chord is None or until <= start:
            continue
        for kind, tick in (("note_on", start), ("note_off", until)):
            for pitch in pitches(chord):
                track.append(mido.Message(kind, note=pitch, velocity=VELOCITY, time=tick - now))
                now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, round(end * ticks) - now)))
    return track


def pitches(chord: Chord) -> tuple[int, ...]:
    """MIDI pitches: the bass, and the notes from the root up."""
    return (BASS + chord.bass_class, *(ROOT + chord.root_class + step for step in chord.intervals))
