"""Options as the network takes them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from model.errors import CannotRender
from model.stable_audio.stable_audio_settings import OPTIONS, StableAudioSettings, settings_of

NUMBERS = [name for name in OPTIONS if name not in ("checkpoint", "avoid")]


def test_without_options_it_is_as_the_authors_have_it():
    assert settings_of({}) == settings_of({"checkpoint": "any"}) == StableAudioSettings(7.0, 100, None, "")


def test_whole_numbers_become_what_the_library_expects():
    found = settings_of({"guidance": 2, "steps": 40.0, "noise": 3, "avoid": " hiss "})
    assert found == StableAudioSettings(2.0, 40, 3.0, "hiss")
    assert [type(value) for value in vars(found).values()] == [float, int, float, str]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [-1, 10_000, True, None, "1", float("nan"), float("inf"), [1]])
def test_what_is_out_of_range_or_no_number_is_refused(name, value):
    with pytest.raises(CannotRender, match=f"The option {name} cannot be"):
        settings_of({name: value})


@pytest.mark.parametrize("value", [1, None, ["hiss"], "x" * 1_001])
def test_what_to_avoid_is_a_few_words(value):
    with pytest.raises(CannotRender, match="The option avoid must be words"):
        settings_of({"avoid": value})


def test_a_repaint_begins_with_the_noise_of_its_strength_or_with_its_own():
    usual = StableAudioSettings()
    levels = [usual.noise_level(strength) for strength in (0, 0.25, 0.5, 0.75, 1)]
    assert levels[0] == 0.5
    assert levels[-1] == pytest.approx(500)
    assert [after / before for before, after in pairwise(levels)] == pytest.approx([1_000**0.25] * 4)
    assert StableAudioSettings(noise=3.0).noise_level(1) == 3.0
