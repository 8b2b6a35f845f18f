"""Blueprints: their JSON form loses nothing, and wrong values are named."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from model.blueprint import Blueprint, LyricLine, Section, TimedChord

FULL = Blueprint(
    tempo=92.5,
    key="F# minor",
    meter="6/8",
    sections=(Section("verse", 0.0, 10.5), Section("chorus", 10.5, 21.0)),
    chords=(TimedChord("F#m", -0.5), TimedChord("Bm7", 2.0)),
    caption="a slow waltz",
    lyrics=(LyricLine("Hello", 1.0, 1.5), LyricLine("again"), LyricLine("and on", 3.0)),
    lyrics_timed=True,
    language="en",
    other_tempo=240.0,
    downbeat=0.31,
    beats=(0.31, 0.82, 1.31),
    seconds=40.0,
    codes=(1, 2),
    tuning=-3.5,
    confidence={"tempo": 0.9, "key": 0.5},
    fit={"total": 0.4, "caption": 0.3},
)


@pytest.mark.parametrize("blueprint", [FULL, Blueprint(), Blueprint(chords=(TimedChord("C", 0.0),))])
def test_it_comes_back_from_json_as_it_was(blueprint):
    assert Blueprint.from_json(json.loads(json.dumps(blueprint.to_json()))) == blueprint


def test_what_is_not_known_is_not_written():
    assert Blueprint().to_json() == {}
    assert set(FULL.to_json()) == {entry.name for entry in fields(Blueprint)} - {"take"}
    assert FULL.to_json()["lyrics"][1] == {"text": "again"}


def test_names_of_a_later_version_are_passed_over():
    later = {"tempo": 120, "mood": "calm", "chords": [{"name": "C", "time": 1, "strength": 0.5}], "take": 3}
    assert Blueprint.from_json(later) == Blueprint(tempo=120, chords=(TimedChord("C", 1),))


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"tempo": 0}, "tempo"),
        ({"tempo": float("nan")}, "tempo"),
        ({"tempo": "fast"}, "tempo"),
        ({"key": 3}, "key"),
        ({"caption": None}, "caption"),
        ({"chords": "C"}, "chords must be a list"),
        ({"chords": ["C"]}, "chords must be a list of objects"),
        ({"chords": [{"name": "C", "time": float("inf")}]}, "time"),
        ({"chords": [{"name": "C", "time": 2}, {"name": "G", "time": 1}]}, "order"),
        ({"chords": [{"name": "C"}]}, "time"),
        ({"sections": [{"name": "verse", "start": 2, "end": 2}]}, "end must be after start"),
        ({"lyrics": [{"text": "la", "start": True}]}, "start"),
        ({"other_tempo": -1}, "other_tempo"),
        ({"downbeat": "soon"}, "downbeat"),
        ({"tuning": float("nan")}, "tuning"),
        ({"beats": [1, 1]}, "beats must ascend"),
        ({"beats": ["one"]}, "beats must be a tuple"),
        ({"confidence": 0.5}, "confidence must be an object"),
        ({"confidence": {"tempo": 1.5}}, "confidence.tempo"),
        ({"sections": [{"name": "A", "start": 0, "end": 1, "confidence": 2}]}, "confidence"),
    ],
)
def test_wrong_values_are_named(given, word):
    with pytest.raises((TypeError, ValueError), match=word):
        Blueprint.from_json(given)
