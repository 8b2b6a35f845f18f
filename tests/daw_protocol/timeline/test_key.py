from __future__ import annotations

import itertools

import pytest

from daw_protocol.timeline.key import MODES, Key

# The circle of fifths as any primer prints it: signature, major key, minor key.
CIRCLE = [
    (-7, "Cb", "Ab"), (-6, "Gb", "Eb"), (-5, "Db", "Bb"), (-4, "Ab", "F"), (-3, "Eb", "C"), (-2, "Bb", "G"),
    (-1, "F", "D"), (0, "C", "A"), (1, "G", "E"), (2, "D", "B"), (3, "A", "F#"), (4, "E", "C#"),
    (5, "B", "G#"), (6, "F#", "D#"), (7, "C#", "A#"),
]  # fmt: skip

SPELLED = [
    ("C major", "C D E F G A B"),
    ("A minor", "A B C D E F G"),
    ("F# major", "F# G# A# B C# D# E#"),
    ("Gb major", "Gb Ab Bb Cb Db Eb F"),
    ("F# minor", "F# G# A B C# D E"),
    ("D dorian", "D E F G A B C"),
    ("F# dorian", "F# G# A B C# D# E"),
    ("E phrygian", "E F G A B C D"),
    ("F lydian", "F G A B C D E"),
    ("Bb mixolydian", "Bb C D Eb F G Ab"),
    ("B locrian", "B C D E F G A"),
    ("G# major", "G# A# B# C# D# E# F##"),
    ("Fb major", "Fb Gb Ab Bbb Cb Db Eb"),
]

# Steps between neighbouring notes of each mode, in semitones.
STEPS = {
    "major": (2, 2, 1, 2, 2, 2, 1),
    "dorian": (2, 1, 2, 2, 2, 1, 2),
    "phrygian": (1, 2, 2, 2, 1, 2, 2),
    "lydian": (2, 2, 2, 1, 2, 2, 1),
    "mixolydian": (2, 2, 1, 2, 2, 1, 2),
    "minor": (2, 1, 2, 2, 1, 2, 2),
    "locrian": (1, 2, 2, 1, 2, 2, 2),
}

PARSED = [
    ("C", "C major"), ("Am", "A minor"), ("a minor", "A minor"), ("F# dorian", "F# dorian"),
    ("Bb major", "Bb major"), ("Gbmaj", "Gb major"), ("bb minor", "Bb minor"), ("bm", "B minor"),
    ("Bbm", "Bb minor"), ("CM", "C major"), ("Cm", "C minor"), ("F sharp minor", "F# minor"),
    ("B flat", "Bb major"), ("E-flat major", "Eb major"), ("C♯ min", "C# minor"), ("D♭", "Db major"),
    ("G Mixolydian", "G mixolydian"), ("A aeolian", "A minor"),
    ("C ionian", "C major"), (" D  MAJOR ", "D major"),
    ("8A", "A minor"), ("8B", "C major"), ("9B", "G major"), ("12b", "E major"), ("1B", "B major"),
    ("2B", "F# major"), ("3B", "Db major"), ("7B", "F major"), ("5a", "C minor"), ("2A", "D# minor"),
]  # fmt: skip

ALL = [
    Key(letter + accidental, mode) for letter in "ABCDEFG" for accidental in ("", "#", "b") for mode in MODES
]


@pytest.mark.parametrize(("signature", "major", "minor"), CIRCLE)
def test_signatures_of_the_circle_of_fifths(signature: int, major: str, minor: str) -> None:
    assert Key(major, "major").signature == signature
    assert Key(minor, "minor").signature == signature
    assert Key.from_signature(signature, "major") == Key(major, "major")
    assert Key.from_signature(signature, "minor") == Key(minor, "minor")


@pytest.mark.parametrize(("text", "notes"), SPELLED)
def test_spelled_notes(text: str, notes: str) -> None:
    assert Key.parse(text).notes == tuple(notes.split())


@pytest.mark.parametrize("key", ALL, ids=str)
def test_scale_follows_the_steps_of_its_mode(key: Key) -> None:
    scale = (*key.scale, key.pitch_class)
    assert scale[0] == key.pitch_class
    assert tuple((after - before) % 12 for before, after in itertools.pairwise(scale)) == STEPS[key.mode]
    assert sorted(note[0] for note in key.notes) == list("ABCDEFG")


@pytest.mark.parametrize("key", ALL, ids=str)
def test_every_key_survives_its_text(key: Key) -> None:
    assert Key.parse(str(key)) == key


@pytest.mark.parametrize(("text", "expected"), PARSED)
def test_ways_to_write_a_key(text: str, expected: str) -> None:
    assert str(Key.parse(text)) == expected


def test_camelot_codes_cover_every_pitch_once() -> None:
    for letter, mode in (("A", "minor"), ("B", "major")):
        keys = [Key.parse(f"{number}{letter}") for number in range(1, 13)]
        assert {key.pitch_class for key in keys} == set(range(12))
        assert {key.mode for key in keys} == {mode}
        # Neighbours on the wheel are a fifth apart.
        for key, following in itertools.pairwise([*keys, keys[0]]):
            assert (following.pitch_class - key.pitch_class) % 12 == 7


def test_enharmonic_keys_keep_their_spelling() -> None:
    sharp, flat = Key.parse("F#"), Key.parse("Gb")
    assert sharp != flat
    assert set(sharp.scale) == set(flat.scale)
    assert (str(sharp), str(flat)) == ("F# major", "Gb major")


def test_a_key_beyond_seven_accidentals_has_no_signature() -> None:
    assert Key("G#", "major").signature is None
    assert Key("Fb", "major").signature is None
    assert Key("G#", "minor").signature == 5


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("H", "H is German for B"),
        ("h-moll", "H is German for B"),
        ("a", 'write "A" or "A minor"'),
        ("bb", 'write "Bb" or "Bb minor"'),
        ("", "is not a key"),
        ("X major", "is not a key"),
        ("C##", "is not a key"),
        ("C blues", "unknown mode 'blues'"),
        ("13A", "1A to 12B"),
        ("0B", "1A to 12B"),
    ],
)
def test_what_is_no_key(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Key.parse(text)


def test_values_that_check_themselves() -> None:
    with pytest.raises(ValueError, match="tonic"):
        Key("H", "major")
    with pytest.raises(ValueError, match="tonic"):
        Key("f#", "major")
    with pytest.raises(ValueError, match="mode must be one of"):
        Key("C", "Major")
    with pytest.raises(TypeError, match="tonic must be text"):
        Key(0, "major")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="mode must be text"):
        Key("C", None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a key must be text"):
        Key.parse(8)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="signature must be between -7 and 7"):
        Key.from_signature(8, "major")
    with pytest.raises(ValueError, match="mode must be one of"):
        Key.from_signature(0, "blues")
