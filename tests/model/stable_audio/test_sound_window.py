"""Which part of a song is heard around a region."""

from __future__ import annotations

import pytest

from model.stable_audio.sound_window import SoundWindow, window_around

SONG = 1_000


@pytest.mark.parametrize(
    ("start", "end", "room", "most", "expected"),
    [
        (400, 500, 300, None, (300, 600)),  # in the middle: as much before as after
        (10, 110, 300, None, (0, 300)),  # what the beginning does not have, the end gets
        (950, 1_000, 300, None, (700, 1_000)),
        (400, 500, 5_000, None, (0, 1_000)),  # a short song: all of it
        (400, 500, 301, None, (300, 601)),
        (400, 700, 300, None, (400, 700)),  # no room for more
        (400, 500, 300, 50, (350, 550)),
        (400, 500, 300, 0, (400, 500)),
        (0, 1, 300, None, (0, 300)),  # one sample
        (999, 1_000, 300, None, (700, 1_000)),
        (-50, 50, 300, None, (-50, 250)),  # begins before the song
        (950, 1_100, 300, None, (800, 1_100)),
        (2_000, 2_100, 300, None, (1_800, 2_100)),
    ],
)
def test_the_window(start, end, room, most, expected):
    found = window_around(start, end, SONG, room, most)
    assert found == SoundWindow(*expected)
    assert found.length <= room


def test_a_region_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        window_around(0, 301, SONG, 300)
