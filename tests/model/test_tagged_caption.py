"""The key and the tempo at the region's start, as words of the prompt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model.engine import Grid, RenderRequest, Task
from model.tagged_caption import tagged_caption

RATE = 48_000
NONE = Grid(*(np.zeros(0),) * 5)
SLOWER = Grid(
    np.array([0.0, 0.5, 1.0, 2.0]), np.arange(4), np.full(4, 4), np.ones(4, int), np.array([120.0, 120, 60, 60])
)  # fmt: skip
ASKED = RenderRequest(Task.GENERATE, None, RATE, 2, 0, RATE, SLOWER, 1, caption=" funk ")


def test_caption_key_and_tempo_in_this_order():
    assert tagged_caption(replace(ASKED, key="C minor")) == "funk, C minor, 120 BPM"
    assert tagged_caption(replace(ASKED, caption=" ")) == "120 BPM"
    assert tagged_caption(replace(ASKED, grid=NONE)) == "funk"


def test_the_tempo_is_that_of_the_last_beat_before_the_region():
    assert tagged_caption(replace(ASKED, start=RATE)).endswith("60 BPM")
    assert tagged_caption(replace(ASKED, start=RATE - 1)).endswith("120 BPM")
    assert tagged_caption(replace(ASKED, start=-RATE)).endswith("120 BPM"), (
        "before the first beat it is the first"
    )
