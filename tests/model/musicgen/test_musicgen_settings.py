"""Options as the library takes them."""

from __future__ import annotations

import pytest

from model.errors import CannotRender
from model.musicgen.musicgen_settings import OPTIONS, MusicgenSettings, settings_of


def test_without_options_it_is_as_the_authors_have_it():
    assert settings_of({}) == settings_of({"checkpoint": "any"}) == MusicgenSettings(3.0, 1.0, 250)


def test_whole_numbers_become_what_the_library_expects():
    found = settings_of({"guidance": 2, "temperature": 2, "top_k": 40.0})
    assert found == MusicgenSettings(2.0, 2.0, 40)
    assert [type(value) for value in vars(found).values()] == [float, float, int]


@pytest.mark.parametrize("name", [name for name in OPTIONS if name != "checkpoint"])
@pytest.mark.parametrize("value", [-1, 10_000, True, None, "1", float("nan"), float("inf"), [1]])
def test_what_is_out_of_range_or_no_number_is_refused(name, value):
    with pytest.raises(CannotRender, match=f"The option {name} cannot be"):
        settings_of({name: value})
