"""How long a swell takes, where it ends, and how low it begins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.pace import Pace
from model.sketch.analysis import analysis
from model.sketch.analysis.analysis import Analysis
from model.sketch.rearrange import passage, swell
from model.sketch.rearrange.passage import Passage
from model.sketch.rearrange.standing import Fade
from tests.model.sketch.songs import Generated, make_song, request_for

LEAD, BARS, RATE = 8, 16, 44100


@pytest.fixture(scope="module")
def made() -> Generated:
    return make_song(BARS)


@pytest.fixture(scope="module")
def heard(made: Generated) -> Analysis:
    pace = Pace(lambda progress: None, lambda: False)
    found = analysis.on_grid(analysis.listen(made.song, pace), made.grid, None, pace)
    return replace(found, beats=replace(found.beats, level=np.full_like(found.beats.level, -20.0)))


def part_of(made: Generated, heard: Analysis, start: float, bars: float) -> Passage:
    """A region from a bar on, 0-based, in a song whose beats are all as loud."""
    first = round(start * 2 * RATE)
    return passage.passage_of(request_for(made, first, first + round(bars * 2 * RATE)), made.song, heard)


def fade(bars: float, depth: float) -> Fade:
    """A fade over the song's last bars, two seconds each."""
    return Fade(LEAD + round((BARS - bars) * 4), LEAD + BARS * 4, depth / (2.0 * bars), -20.0)


PATH = np.arange(LEAD, LEAD + 200)


@pytest.mark.parametrize(
    ("faded_bars", "bars", "full"),
    [
        (3, 12, 3.0),  # as long as it took
        (8, 12, 4.0),  # four bars at most
        (8, 4, 2.0),  # and half of the region
        (8, 1, 0.5),
        (8, 0.25, 0.125),  # a beat: it ends within it
        (0.25, 12, 0.5),  # two beats at least
    ],
)
def test_it_takes_as_long_as_the_fade_took(
    made: Generated, heard: Analysis, faded_bars: float, bars: float, full: float
) -> None:
    part = part_of(made, heard, BARS, bars)
    found = swell.swell_of(part, fade(faded_bars, 12.0), PATH[: len(part.targets)], part.request.length)
    assert found.settles
    assert found.frames == pytest.approx(full * 2 * RATE, abs=RATE // 50)
    assert found.first_db == pytest.approx(-12.0, abs=0.1)
    beat, seconds = swell.full_beat(part, found), (part.request.start + found.frames) / RATE
    if bars == 0.25:
        assert beat is None, "none begins after it"
    else:
        assert beat is not None
        assert part.analysis.beats.seconds[beat] == pytest.approx(seconds, abs=0.05)


@pytest.mark.parametrize("room", [-RATE, 0, RATE // 20])
def test_before_an_ending_that_fades_at_once_it_stays_as_soft_as_it_begins(
    made: Generated, heard: Analysis, room: int
) -> None:
    part = part_of(made, heard, BARS, 1)
    found = swell.swell_of(part, fade(3, 12.0), PATH[: len(part.targets)], room)
    assert found.gains(part.request.length) == pytest.approx(10 ** (-12.0 / 20.0), rel=0.02)
    assert not found.settles


def test_within_a_beat_of_a_short_region_full_level_is_said_of_the_next(
    made: Generated, heard: Analysis
) -> None:
    part = part_of(made, heard, BARS, 0.75)
    found = swell.swell_of(part, fade(8, 12.0), PATH[: len(part.targets)], part.request.length)
    assert found.frames == pytest.approx(0.75 * RATE, abs=RATE // 50), "half of three beats"
    assert swell.full_beat(part, found) == part.targets[2]


def test_from_within_a_bar_it_ends_on_a_bar_line(made: Generated, heard: Analysis) -> None:
    part = part_of(made, heard, BARS + 0.4, 12)
    found = swell.swell_of(part, fade(3, 12.0), PATH[: len(part.targets)], part.request.length)
    assert (part.request.start + found.frames) / RATE == pytest.approx((BARS + 4) * 2.0, abs=0.05)
    assert part.analysis.beats.position[swell.full_beat(part, found)] == 0


def test_it_is_over_before_an_ending_fades(made: Generated, heard: Analysis) -> None:
    part = part_of(made, heard, BARS, 12)
    assert swell.swell_of(part, fade(3, 12.0), PATH[: len(part.targets)], RATE).frames <= RATE


def test_a_take_that_begins_loudly_begins_lower(made: Generated, heard: Analysis) -> None:
    level = heard.beats.level.copy()
    level[LEAD : LEAD + 4] += 4.0
    loud = replace(heard, beats=replace(heard.beats, level=level))
    part = part_of(made, loud, BARS, 12)
    path = PATH[: len(part.targets)]
    assert swell.swell_of(part, fade(3, 12.0), path, RATE * 60).first_db == pytest.approx(-16.0, abs=0.1)
    level[LEAD : LEAD + 4] += 40.0
    assert swell.swell_of(part, fade(3, 12.0), path, RATE * 60).first_db == pytest.approx(-18.0, abs=0.1)


def test_where_the_song_fades_on_the_take_does_too(made: Generated, heard: Analysis) -> None:
    part = part_of(made, heard, BARS - 6, 4)
    found = swell.swell_of(part, fade(8, 32.0), PATH[: len(part.targets)], part.request.length)
    assert found.frames == part.request.length
    assert (found.first_db, found.last_db) == pytest.approx((-8.0, -24.0), abs=0.1)
    assert not found.settles
