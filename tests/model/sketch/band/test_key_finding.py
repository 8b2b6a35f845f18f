"""Keys: read, spelled, and found from a melody."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.band.key_finding import SCALES, SongKey, find_key, parse_key
from tests.model.sketch import folk_songs
from tests.model.sketch.singing_machine import entries, midi_pitch


@pytest.mark.parametrize(
    ("text", "tonic", "mode"),
    [
        ("C major", 0, "major"),
        ("F# minor", 6, "minor"),
        ("F#m", 6, "minor"),
        ("Bb", 10, "major"),
        ("b minor", 11, "minor"),
        ("D dorian", 2, "dorian"),
        ("G mixolydian", 7, "mixolydian"),
        ("E♭ Major", 3, "major"),
        ("Ebmaj", 3, "major"),
        ("a moll", 9, "minor"),
        ("Cb", 11, "major"),
        ("D phrygian", 2, "minor"),
    ],
)
def test_keys_are_read(text, tonic, mode):
    assert parse_key(text) == SongKey(tonic, mode)


@pytest.mark.parametrize("text", ["", "  ", "H major", "12", "C sideways", "major"])
def test_what_is_no_key_is_none(text):
    assert parse_key(text) is None


def test_names_and_parsing_are_inverse():
    for mode in SCALES:
        for tonic in range(12):
            key = SongKey(tonic, mode)
            assert parse_key(key.name) == key


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("F major", ["F", "G", "A", "Bb", "C", "D", "E"]),
        ("D major", ["D", "E", "F#", "G", "A", "B", "C#"]),
        ("C minor", ["C", "D", "Eb", "F", "G", "Ab", "Bb"]),
        ("E minor", ["E", "F#", "G", "A", "B", "C", "D"]),
        ("D dorian", ["D", "E", "F", "G", "A", "B", "C"]),
        ("G dorian", ["G", "A", "Bb", "C", "D", "E", "F"]),
    ],
)
def test_notes_are_spelled_as_the_key_does(key, names):
    found = parse_key(key)
    assert [found.spell(pitch_class) for pitch_class in found.scale] == names


def score_histogram(song):
    histogram = np.zeros(12)
    pitches = []
    for name, _, length in entries(song.melody):
        if name != "-":
            histogram[midi_pitch(name) % 12] += length
            pitches.append(midi_pitch(name) % 12)
    return histogram, pitches


@pytest.mark.parametrize("song", folk_songs.ALL, ids=lambda song: song.name)
def test_the_key_of_a_written_melody_is_found_in_every_transposition(song):
    histogram, pitches = score_histogram(song)
    key = parse_key(song.key)
    for up in range(12):
        found = find_key(np.roll(histogram, up), (pitches[0] + up) % 12, (pitches[-1] + up) % 12)
        assert found.key == SongKey((key.tonic + up) % 12, key.mode)
        assert 0.2 < found.confidence <= 1.0


def test_no_evidence_is_no_confidence():
    assert find_key(np.zeros(12), None, None).confidence < 0.2
