"""Progressions: three ways to write them, over any bars, and back as text."""

from fractions import Fraction

import pytest

from daw_protocol.timeline.chord_progression import MAX_TEXT, Bar, ChordAt, ChordProgression, chords_of

EIGHT = [Bar(number, 4) for number in range(1, 9)]


def over(text, bars=EIGHT, begins=1):
    return " ".join(map(str, ChordProgression.parse(text).over(bars, begins)))


@pytest.mark.parametrize(
    "text",
    ["Am F C G", "Am, F, C, G", "Am - F - C - G", "Am-F-C-G", "Am|F|C|G", "| Am | F |\n| C | G |", "Am\nF\nC\nG",
     "|: Am | F | C | G :|", "Am → F → C → G", "Am→F→C→G", "  Am   F C\tG ", "[Am] [F] [C] [G]",
     "1|1 Am 2|1 F 3|1 C 4|1 G"],
)  # fmt: skip
def test_a_chord_per_bar_repeats_to_the_end(text):
    assert over(text) == "1|1 Am 2|1 F 3|1 C 4|1 G 5|1 Am 6|1 F 7|1 C 8|1 G"


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("Am F | C G7/B", "1|1 Am 1|3 F 2|1 C 2|3 G7/B 3|1 Am 3|3 F"),
        ("C / F G | Am | %", "1|1 C 1|3 F 1|4 G 2|1 Am"),
        ("C F G | Am | %", "1|1 C 1|3 F 1|4 G 2|1 Am"),
        ("Am F | % | C", "1|1 Am 1|3 F 2|1 Am 2|3 F 3|1 C"),
        ("Am % F", "1|1 Am 3|1 F"),
        ("Am N.C. NC F", "1|1 Am 2|1 N.C."),
        ("1|1 Am 1|3 F/C 3|1 G7", "1|1 Am 1|3 F/C 3|1 G7"),
        ("1|1 Am 2|1 F 4|1 %", "1|1 Am 2|1 F"),
        ("1|2.5 Am 2|3|480 F 3|7/3 G", "1|1 N.C. 1|2.5 Am 2|3.5 F 3|7/3 G"),
        ("3|1 Am", "1|1 N.C. 3|1 Am"),
        ("C7(b9, #11) | F", "1|1 C7(b9,#11) 2|1 F 3|1 C7(b9,#11)"),
    ],
)
def test_where_chords_change(text, changes):
    assert over(text, EIGHT[:3]) == changes
    progression = ChordProgression.parse(text)
    assert ChordProgression.parse(str(progression)) == progression


def test_bars_of_any_meter():
    assert over("C F | G Am", [Bar(1, 3), Bar(2, 7)]) == "1|1 C 1|3 F 2|1 G 2|5 Am"
    assert over("C D E F G", [Bar(1, 4)]) == "1|1 C"
    assert over("C D E F G | A", [Bar(1, 4)]) == "1|1 C 1|1.8 D 1|2.6 E 1|3.4 F 1|4.2 G"


def test_what_plays_when_a_region_begins_inside_a_progression():
    assert over("1|3 Am 2|1 F 4|1 G", [Bar(5, 4), Bar(6, 4)]) == "5|1 G 5|3 Am 6|1 F"
    assert over("15|1 C 17|3 D 40|1 E", [Bar(17, 4), Bar(18, 4)]) == "17|1 C 17|3 D"
    assert over("Am F C G", [Bar(0, 4), Bar(1, 4), Bar(2, 4)], begins=1) == "0|1 N.C. 1|1 Am 2|1 F"


def test_found_chords_come_back_as_text_that_is_read_the_same():
    found = chords_of([("Am", 1, Fraction(1)), ("F/C", 1, Fraction(3)), ("N.C.", 3, Fraction(1))])
    text = str(ChordProgression.of_chords(found, 8))
    assert text == "1|1 Am 1|3 F/C 3|1 N.C. 8|1 %"
    assert ChordProgression.parse(text).over(EIGHT, 1) == tuple(found)
    assert found[0] == ChordAt(1, Fraction(1), found[0].chord)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Am Hm C", "bar 2: 'Hm' is not a chord"),
        ("Am F | C Xm", "bar 2, chord 2: 'Xm'"),
        ("1|1 Am 2|3 Q", r"2\|3: 'Q'"),
        ("1|1 Am F", "word 3: 'F' has no position of its own"),
        ("1|1 2|1 Am", r"1\|1: no chord follows"),
        ("1|1 Am 2|1", r"2\|1: no chord follows"),
        ("2|1 Am 1|1 F", r"1\|1: comes after 2\|1"),
        ("1|1 Am | F", "a bar line has no position"),
        ("% Am", "bar 1.*none yet"),
        ("| / Am |", "bar 1.*none yet"),
        ("1|0 Am", "beats count from 1"),
        ("", "no chords"),
        (" | | ", "no chords"),
        ("C " * MAX_TEXT, "characters"),
        ("C " * 5000, "at most 4000 words"),
    ],
)
def test_errors_name_the_word_and_its_place(text, words):
    with pytest.raises(ValueError, match=words):
        ChordProgression.parse(text)


def test_positions_that_are_not_there():
    with pytest.raises(ValueError, match=r"1\|5 Am: bar 1 has 4 beats"):
        over("1|5 Am")
    with pytest.raises(ValueError, match="all chords come after bar 8"):
        over("17|1 Am")


def test_a_reading_against_bars():
    assert ChordProgression.parse("Am F | % | G").in_bars() == "1 Am F · 2 Am F · 3 G"
    placed = ChordProgression.parse("17|1 Am 17|3 F/C 19|1 G7")
    assert placed.in_bars() == "17 Am (3) F/C · 18 % · 19 G7"
    assert placed.in_words() == "3 bars from bar 17, repeated to the region's end"
    assert ChordProgression.parse("C " * 40).in_bars().endswith("16 C · …")
