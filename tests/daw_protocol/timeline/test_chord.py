"""Chord symbols: every usual spelling, and errors that say what is possible."""

import pytest

from daw_protocol.timeline.chord import Chord

SPELLINGS = {
    (0, 4, 7): ("C", "Cmaj", "CM", "Cmajor"),
    (0, 3, 7): ("Cm", "Cmin", "Cmi", "C-", "Cminor", "cm"),
    (0, 4, 7, 10): ("C7", "C⁷", "c7"),
    (0, 4, 7, 11): ("Cmaj7", "CM7", "CMaj7", "CΔ7", "CΔ", "C△7", "Cma7", "Cj7", "Cmajor7"),
    (0, 3, 7, 10): ("Cm7", "C-7", "Cmin7", "Cmi7"),
    (0, 3, 7, 11): ("CmMaj7", "Cm(maj7)", "CmM7", "C-Δ7"),
    (0, 3, 6): ("Cdim", "C°", "Co", "Cmb5"),
    (0, 3, 6, 9): ("Cdim7", "C°7", "Co7"),
    (0, 3, 6, 10): ("Cm7b5", "Cm7♭5", "Cø", "Cø7", "C-7b5", "Cm7(b5)"),
    (0, 4, 8): ("Caug", "C+", "C(#5)"),
    (0, 4, 8, 10): ("C+7", "Caug7", "C7#5", "C7+5", "C7+"),
    (0, 5, 7): ("Csus", "Csus4", "C4"),
    (0, 2, 7): ("Csus2", "C2"),
    (0, 5, 7, 10): ("C7sus4", "C7sus"),
    (0, 4, 7, 9): ("C6",),
    (0, 4, 7, 9, 14): ("C69", "C6/9"),
    (0, 4, 7, 14): ("Cadd9", "C(add9)"),
    (0, 3, 7, 14): ("Cm(add9)", "Cmadd9"),
    (0, 4, 7, 10, 14): ("C9",),
    (0, 3, 7, 10, 14): ("Cm9", "C-9"),
    (0, 4, 7, 10, 13): ("C7b9", "C7♭9", "C7(b9)", "C7-9"),
    (0, 4, 7, 10, 13, 15): ("C7(b9,#9)",),
    (0, 4, 7, 10, 18): ("C7#11",),
    (0, 4, 10, 13, 20): ("C7alt",),
    (0, 7): ("C5", "C(no3)", "Cno3"),
}


@pytest.mark.parametrize(("intervals", "spellings"), SPELLINGS.items(), ids=str)
def test_every_usual_spelling(intervals, spellings):
    for text in spellings:
        chord = Chord.parse(text)
        assert (chord.root, chord.intervals) == ("C", intervals), text
        assert Chord.parse(str(chord)) == chord


def test_roots_and_basses():
    assert [Chord.parse(name).root_class for name in ("F#m", "G♭", "Bb", "Abb", "E#", "B")] == [
        6,
        6,
        10,
        7,
        5,
        11,
    ]
    slash = Chord.parse("D/F♯")
    assert (slash.root_class, slash.bass_class, str(slash)) == (2, 6, "D/F#")
    assert Chord.parse("C6/9/E").bass_class == 4
    assert Chord.parse("Am7").bass_class == 9
    assert Chord.parse("G9").classes == (7, 11, 2, 5, 9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("H7", 'H is German for B; write "B7"'),
        ("a", 'may be major or minor; write "A" or "Am"'),
        ("Cfoo", "'foo' is not known.*m7b5"),
        ("Amm", "'m' is not known"),
        ("IV", "degrees of a key are not read"),
        ("", "a root A to G"),
        ("C/H", "'/H' is not known"),
        ("X" * 99, "is not a chord"),
    ],
)
def test_errors_say_what_is_possible(text, words):
    with pytest.raises(ValueError, match=words):
        Chord.parse(text)
