"""Chords as a MIDI track: held from change to change, with the bass below."""

from fractions import Fraction

from clip_store.exports.chord_track import ChordFrom, chord_track, pitches
from daw_protocol.timeline.chord import Chord


def test_chords_are_held_to_the_next_one():
    chords = [
        ChordFrom(Fraction(0), Chord.parse("Am7")),
        ChordFrom(Fraction(5, 2), None),
        ChordFrom(Fraction(4), Chord.parse("F/C")),
    ]
    now, sounding, found = 0, set(), {}
    for message in chord_track(chords, Fraction(8), 960):
        now += message.time
        if message.type == "note_on":
            sounding.add(message.note)
        elif message.type == "note_off":
            sounding.remove(message.note)
        found[now] = sorted(sounding)
    assert found == {0: [45, 57, 60, 64, 67], 2400: [], 3840: [36, 53, 57, 60], 7680: []}


def test_the_bass_lies_below():
    assert pitches(Chord.parse("C9")) == (36, 48, 52, 55, 58, 62)
    assert pitches(Chord.parse("B/D#"))[0] == 39
