"""Captions: words, meter and tempo choose the style; the rest is reported."""

from __future__ import annotations

import pytest

from model.sketch.band.presets import INSTRUMENTS, PRESETS
from model.sketch.band.style import INSTRUMENT_WORDS, instruments_for, read_caption


@pytest.mark.parametrize(
    ("caption", "pulses", "tempo", "style"),
    [
        ("", 4, 120, "pop"),
        ("", 4, 70, "ballad"),
        ("", 3, 120, "waltz"),
        ("warm acoustic folk", 3, 120, "folk"),
        ("Driving ROCK, please!", 4, 100, "rock"),
        ("lo-fi beats to study to", 4, 80, "lofi"),
        ("a slow waltz", 3, 90, "ballad"),
    ],
)
def test_words_meter_and_tempo_choose_the_style(caption, pulses, tempo, style):
    assert read_caption(caption, pulses, tempo).preset.name == style


def test_words_that_change_nothing_are_reported():
    wording = read_caption("dreamy folk with a female choir, no drums", 4, 100)
    assert wording.reading.ignored_words == ("dreamy", "female", "choir")
    assert wording.preset.name == "folk"
    assert "drums" not in instruments_for(wording, ())


def test_instruments_follow_the_words():
    assert instruments_for(read_caption("drums only", 4, 100), ()) == ("drums",)
    assert "guitar" in instruments_for(read_caption("pop with guitar", 4, 100), ())
    assert instruments_for(read_caption("without bass", 4, 100), ()) == ("drums", "keys", "pad")
    assert instruments_for(read_caption("no drums", 4, 100), ("bass", "drums")) == ("drums", "bass")


def test_negations_reach_as_far_as_they_are_meant():
    assert instruments_for(read_caption("pop without drums or bass", 4, 100), ()) == ("keys", "pad")
    assert "guitar" in instruments_for(read_caption("pop without drums, with guitar", 4, 100), ())
    assert instruments_for(read_caption("only the bass", 4, 100), ()) == ("bass",)
    less = read_caption("less rock", 4, 100)
    assert less.preset.name == "pop"
    assert less.reading.ignored_words == ("less rock",)


def test_every_instrument_and_style_that_can_play_can_be_asked_for():
    assert set(INSTRUMENT_WORDS) == set(INSTRUMENTS)
    for preset in PRESETS:
        assert read_caption(preset.name, 4, 100).preset is preset


def test_sparse_and_half_time_are_understood():
    wording = read_caption("sparse half-time rock", 4, 100)
    assert wording.sparse
    assert wording.half_time
    assert wording.reading.ignored_words == ()
