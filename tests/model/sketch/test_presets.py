"""The styles: data that fits together, and captions that choose among them."""

from __future__ import annotations

import pytest

from model.sketch.presets import INSTRUMENTS, PRESETS, instruments_for, read_caption
from model.sketch.synth import SOUNDS
from model.sketch.synth_drums import DRUMS


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_style_is_complete(preset):
    assert set(preset.parts) == set(INSTRUMENTS)
    assert set(preset.band) <= set(INSTRUMENTS)
    for name, part in preset.parts.items():
        assert name == "drums" or part.sound in SOUNDS
        assert part.high - part.low >= 15, "less than an octave and a third holds no voice leading"
    for grooves in (preset.grooves, preset.fills):
        assert set(grooves) == {3, 4, 6}
        for pulses, variants in grooves.items():
            assert len(variants) >= 2
            for groove in variants:
                assert set(groove) <= set(DRUMS)
                assert {len(steps) for steps in groove.values()} == {{3: 12, 4: 16, 6: 12}[pulses]}
                assert set("".join(groove.values())) <= set("Xxo.")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_figures_stay_inside_their_cells(preset):
    for figures, names in ((preset.bass, "R58A"), (preset.chords, "*0123"), (preset.guitar, "*0123")):
        assert set(figures) == {2, 3}
        for pulses, variants in figures.items():
            assert len(variants) >= 2
            assert len(set(variants)) == len(variants)
            for figure in variants:
                for start, length, what in figure:
                    assert 0 <= start < pulses
                    assert 0 < length <= pulses
                    assert what in names


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


def test_words_that_change_nothing_are_told():
    wish = read_caption("dreamy folk with a female choir, no drums", 4, 100)
    assert wish.ignored == ("dreamy", "female", "choir")
    assert wish.preset.name == "folk"
    assert "drums" not in instruments_for(wish, ())


def test_instruments_follow_the_words():
    assert instruments_for(read_caption("drums only", 4, 100), ()) == ("drums",)
    assert "guitar" in instruments_for(read_caption("pop with guitar", 4, 100), ())
    assert instruments_for(read_caption("without bass", 4, 100), ()) == ("drums", "keys", "pad")
    assert instruments_for(read_caption("no drums", 4, 100), ("bass", "drums")) == ("drums", "bass")


def test_sparse_and_half_time_are_heard():
    wish = read_caption("sparse half-time rock", 4, 100)
    assert wish.sparse
    assert wish.half_time
    assert wish.ignored == ()
