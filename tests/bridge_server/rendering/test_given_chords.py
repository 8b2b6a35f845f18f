"""A request's chords over its region: pickups, repeats, changing meters, and what the producer is told."""

from __future__ import annotations

from fractions import Fraction

import pytest

from bridge_server.rendering.given_chords import bars_of, on_grid, over_region
from daw_protocol.errors import ProtocolError
from daw_protocol.timeline import Span, TempoMap
from daw_protocol.timeline.chord_progression import ChordProgression

RATE = 48_000
BAR = 2 * RATE
STEADY = TempoMap.constant(120)
CHANGING = TempoMap.from_json(
    {
        "points": [{"quarter": 0, "bpm": 120}],
        "meters": [{"quarter": 0, "meter": "4/4"}, {"quarter": 8, "meter": "3/4"}],
    }
)


def over(text, start, end, tempo_map=STEADY):
    chords, notes = over_region(ChordProgression.parse(text), tempo_map, RATE, Span(start, end))
    return " ".join(map(str, chords)), notes


def test_a_progression_repeats_and_says_so():
    assert over("Am F", BAR, 5 * BAR) == (
        "2|1 Am 3|1 F 4|1 Am 5|1 F",
        ("The 2 bars of chords repeat to the region's end, bar 5.",),
    )
    assert over("Am", 0, 2 * BAR)[1] == ("The chord repeats to the region's end, bar 2.",)
    assert over("Am F C G", 0, 4 * BAR) == ("1|1 Am 2|1 F 3|1 C 4|1 G", ())


def test_more_bars_than_the_region_has():
    assert over("Am F C G", 0, 2 * BAR) == (
        "1|1 Am 2|1 F",
        ("The chords are 4 bars long; the region ends after 2 of them.",),
    )


def test_a_pickup_is_not_counted():
    text, (_, begins) = over("Am F", BAR - RATE // 2, 4 * BAR)
    assert text == "1|1 N.C. 2|1 Am 3|1 F 4|1 Am"
    assert begins == "The chords begin at 2|1; before it none are played."
    assert over("Am F", RATE // 2, 2 * BAR)[0] == "1|1 Am 2|1 F"  # most of a bar is one
    assert over("Am F", BAR - 3, 3 * BAR + 3)[0] == "2|1 Am 3|1 F"  # a few samples are none


def test_positions_count_on_the_ruler():
    assert over("1|1 Am 2|1 F 3|1 C", BAR, 2 * BAR)[0] == "2|1 F"
    text, notes = over("3|1 Am 3|3 F", 0, 4 * BAR)
    assert text == "1|1 N.C. 3|1 Am 3|3 F 4|1 Am 4|3 F"
    assert "The chords begin at 3|1; before it none are played." in notes


def test_bars_of_a_changing_meter():
    assert over("Am F", 0, 11 * RATE // 2, CHANGING)[0] == "1|1 Am 2|1 F 3|1 Am"
    assert over("Am F | C G", 0, 11 * RATE // 2, CHANGING)[0] == "1|1 Am 1|3 F 2|1 C 2|3 G 3|1 Am 3|3 F"
    assert [bar.beats for bar in bars_of(CHANGING, RATE, Span(0, 11 * RATE // 2))] == [4, 4, 3]


@pytest.mark.parametrize(
    ("text", "words"), [("3|4 Am", "3|4 Am: bar 3 has 3 beats"), ("9|1 Am", "all chords come after bar 3")]
)
def test_positions_the_region_does_not_have(text, words):
    with pytest.raises(ProtocolError) as refused:
        over(text, 0, 11 * RATE // 2, CHANGING)
    assert words in refused.value.sentence
    assert (refused.value.field, refused.value.remedy) == ("chords", "The region has the bars 1 to 3.")


def test_on_an_engines_grid():
    chords, _ = over_region(ChordProgression.parse("C/E G"), STEADY, RATE, Span(BAR, 3 * BAR))
    beats = [(bar, beat) for bar in range(6) for beat in range(1, 5)]
    first, second = on_grid(chords, beats)
    assert (first.beat, first.name, first.root, first.bass, first.intervals) == (8.0, "C/E", 0, 4, (0, 4, 7))
    assert (second.beat, second.name) == (12.0, "G")
    (rest,) = on_grid(over_region(ChordProgression.parse("N.C."), STEADY, RATE, Span(0, BAR))[0], beats)
    assert (rest.name, rest.intervals) == ("N.C.", ())
    (late,) = on_grid([chords[0]._replace(beat=Fraction(5, 2))], beats)
    assert late.beat == 9.5
