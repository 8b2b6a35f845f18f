"""The styles: data that fits together."""

from __future__ import annotations

import pytest

from model.sketch.band.presets import INSTRUMENTS, PRESETS
from model.sketch.band.synth import SOUNDS
from model.sketch.band.synth_drums import DRUMS


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
