"""Notes as a MIDI track, read back by mido."""

import io
from fractions import Fraction

import mido

from clip_store.exports.midi_tempo import TICKS, song_map_bytes
from clip_store.exports.note_track import NoteFrom
from daw_protocol.timeline import SongMap, TempoMap
from daw_protocol.timeline.midi_file import decode_text


def played(data):
    """(tick, note_on or note_off, pitch, velocity) of the last track."""
    now, found = 0, []
    for message in mido.MidiFile(file=io.BytesIO(data)).tracks[-1]:
        now += message.time
        if message.type.startswith("note"):
            found.append((now, message.type, message.note, message.velocity))
    return found


def test_notes_stand_next_to_the_tempo_map():
    notes = [
        NoteFrom(Fraction(1), Fraction(2), 60, 90),
        NoteFrom(Fraction(2), Fraction(3), 60, 80),  # ends and begins at once: the end comes first
        NoteFrom(Fraction(2), Fraction(2), 64, 70),  # of no length: a tick
    ]
    data = song_map_bytes(
        SongMap(TempoMap.constant(90), (), ()), Fraction(3), "Song", notes=("Song (베이스)", notes)
    )
    assert played(data) == [
        (TICKS, "note_on", 60, 90), (2 * TICKS, "note_off", 60, 0), (2 * TICKS, "note_on", 60, 80),
        (2 * TICKS, "note_on", 64, 70), (2 * TICKS + 1, "note_off", 64, 0), (3 * TICKS, "note_off", 60, 0),
    ]  # fmt: skip
    file = mido.MidiFile(file=io.BytesIO(data))
    assert [one.tempo for one in file.tracks[0] if one.type == "set_tempo"] == [mido.bpm2tempo(90)]
    assert decode_text(file.tracks[1].name.encode("latin-1")) == "Song (베이스)"


def test_without_notes_there_is_no_such_track():
    data = song_map_bytes(SongMap(TempoMap.constant(90), (), ()), Fraction(3), "Song")
    assert len(mido.MidiFile(file=io.BytesIO(data)).tracks) == 1
