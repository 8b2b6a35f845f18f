"""Where little of a voice can be kept, "keep vocals" says so and names the figure."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.kept_voice import LITTLE, measure
from model.sketch.separation.span_separation import SpanSeparation
from tests.model.sketch import stem_songs


@pytest.mark.parametrize("share", [0.1, 0.15])
def test_a_mix_that_keeps_little_of_its_voice_carries_a_note_with_the_figure(share: float) -> None:
    made = stem_songs.make("rock", 6.0)
    stems = {name: stem.astype(np.float64) for name, stem in made.stems.items()}
    stems["vocals"] *= share
    found = measure(stems, SpanSeparation(None))
    assert found.kept < LITTLE
    assert found.noted
