"""Chords in seconds as text on bars: what comes out is read the same, on any tempo map."""

from __future__ import annotations

from fractions import Fraction

import pytest

from daw_protocol.chord_sheet import bar_before, chords_text, placed_chords
from daw_protocol.recipe import ChordRecord
from daw_protocol.timeline import Meter, TempoMap
from daw_protocol.timeline.chord_progression import Bar, ChordProgression

RAMP = {"points": [{"quarter": 0, "bpm": 90, "ramp": True}, {"quarter": 32, "bpm": 131.5}], "offset": "0.3"}
MAPS = [
    TempoMap.constant(120),
    TempoMap.constant(97.31, Meter(6, 8), 1.237, first_bar=5),
    TempoMap.from_json(RAMP),
]
TEXT = "{0}|1 Am {0}|3 F/C {1}|1 N.C. {2}|2.5 G7sus4 {3}|1 Ebmaj7"


@pytest.mark.parametrize("tempo_map", MAPS)
@pytest.mark.parametrize("start", [Fraction(0), Fraction(7, 3)])
def test_text_to_seconds_and_back(tempo_map, start):
    first = tempo_map.first_bar + 3
    text = TEXT.format(first, first + 1, first + 2, first + 3)
    beats = tempo_map.meters[0].meter.numerator
    bars = [Bar(first + n, beats) for n in range(6)]
    given = ChordProgression.parse(text + f" {first + 5}|1 %").over(bars, first)
    rate = 44_100
    quarter = tempo_map.meters[0].meter.quarters_per_beat
    found = []
    for one in given:
        sample = tempo_map.sample_at(tempo_map.quarters_of_bar(one.bar) + (one.beat - 1) * quarter, rate)
        name = str(one).split(" ", 1)[1]
        found.append(ChordRecord(name=name, time=float(Fraction(sample, rate) - start)))
    placed = placed_chords(found, tempo_map, start)
    assert placed == given
    assert ChordProgression.parse(chords_text(placed, first + 5)).over(bars, first) == given


def test_repeats_and_near_misses_are_one_chord():
    tempo_map = TempoMap.constant(120)
    rows = [("C", 0.0), ("C", 2.0), ("F", 4.0), ("G", 4.0001), ("Am", 6.0)]
    placed = placed_chords([ChordRecord(name=name, time=time) for name, time in rows], tempo_map)
    assert chords_text(placed, 4) == "1|1 C 3|1 G 4|1 Am"
    assert chords_text(placed, 6) == "1|1 C 3|1 G 4|1 Am 6|1 %"


def test_names_of_other_engines_make_no_text():
    assert placed_chords([ChordRecord(name="tonic", time=0.0)], TempoMap.constant(120)) == ()
    assert chords_text((), 4) == ""


def test_the_last_bar_that_has_begun():
    tempo_map = TempoMap.constant(120)
    assert [bar_before(Fraction(seconds), tempo_map) for seconds in ("8", "8.002", "8.1", "7.9")] == [
        4,
        4,
        5,
        4,
    ]
