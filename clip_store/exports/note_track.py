"""Notes as a MIDI track, next to a tempo map. mido writes it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import mido


class NoteFrom(NamedTuple):
    """A note from a quarter of the file to another. pitch: MIDI; velocity: 1 to 127."""

    quarter: Fraction
    until: Fraction
    pitch: int
    velocity: int


def note_track(notes: Sequence[NoteFrom], name: str, end: Fraction, ticks: int) -> mido.MidiTrack:
    """The track, up to the quarter `end`, or the last note's. A note ends before the next one of its pitch begins."""
    events = []
    for note in notes:
        start = round(note.quarter * ticks)
        until = max(start + 1, round(note.until * ticks))
        events.append((start, 1, note.pitch, note.velocity))
        events.append((until, 0, note.pitch, 0))
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    now = 0
    for tick, is_on, pitch, velocity in sorted(events):
        kind = "note_on" if is_on else "note_off"
        track.append(mido.Message(kind, note=pitch, velocity=velocity, time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, round(end * ticks) - now)))
    return track
