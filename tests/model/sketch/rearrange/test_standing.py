"""Where a song stands: at its level, within a fade, after its last notes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.pace import Pace
from model.sketch.analysis import analysis
from model.sketch.analysis.analysis import Analysis
from model.sketch.rearrange import standing
from tests.model.sketch.songs import Generated, make_song, song_of

RATE = 44100
LEAD = 8
BEAT = RATE // 2


def analysed(made: Generated) -> Analysis:
    pace = Pace(lambda progress: None, lambda: False)
    return analysis.on_grid(analysis.listen(made.song, pace), made.grid, None, pace)


def shaped(made: Generated, curve: np.ndarray) -> Analysis:
    """The song's last beats with this gain, in dB, on each, and from one to the next in between."""
    samples = made.song.samples.copy()
    count = (len(curve) - 1) * BEAT
    decibels = np.interp(np.arange(count), np.arange(len(curve)) * BEAT, curve)
    samples[-count:] *= np.asarray(10.0 ** (decibels / 20.0), np.float32)[:, None]
    return analysed(replace(made, song=song_of(samples, RATE)))


@pytest.fixture(scope="module")
def pop() -> Generated:
    return make_song(24)


@pytest.fixture(scope="module")
def pop_heard(pop: Generated) -> Analysis:
    return analysed(pop)


def test_the_song_stands_at_its_last_beat(pop_heard: Analysis) -> None:
    assert standing.standing(pop_heard.beats, LEAD + 96) == standing.Standing(LEAD + 95)


def test_a_fade_is_seen_and_left_behind(pop: Generated) -> None:
    samples = pop.song.samples.copy()
    samples[-8 * RATE :] *= np.geomspace(1.0, 0.02, 8 * RATE)[:, None].astype(np.float32)
    found = analysed(replace(pop, song=song_of(samples, RATE)))
    now = standing.standing(found.beats, LEAD + 96)
    assert now.faded
    assert now.beat <= LEAD + 82, "16 beats fade"


def test_a_song_that_has_rung_out_is_continued_from_before_its_last_notes(pop: Generated) -> None:
    samples = pop.song.samples.copy()
    beat = pop.beat_frame(93) - pop.beat_frame(92)
    samples[-3 * beat :] *= np.geomspace(0.2, 0.01, 3 * beat)[:, None].astype(np.float32)
    samples[-beat:] = 0.0
    found = analysed(replace(pop, song=song_of(samples, RATE)))
    now = standing.standing(found.beats, LEAD + 96)
    assert (now.ended, now.faded) == (True, False)
    assert now.beat == LEAD + 92


@pytest.mark.parametrize(("bars", "depth"), [(4, 13.0), (4, 30.0), (8, 13.0), (12, 25.0)])
def test_a_fade_is_measured(pop: Generated, bars: int, depth: float) -> None:
    found = shaped(pop, np.linspace(0.0, -depth, bars * 4 + 1)).beats
    fade = standing.standing(found, LEAD + 96).fade
    assert fade is not None
    assert fade.first == pytest.approx(LEAD + 96 - bars * 4, abs=4)
    assert fade.depth_db(found, 48.0) == pytest.approx(depth, rel=0.2)
    assert fade.slope_db == pytest.approx(depth / (bars * 2.0), rel=0.3)


def test_it_is_found_from_within_its_first_bars(pop: Generated) -> None:
    """Two bars of eight have faded, by 6 dB: no more than a verse."""
    found = shaped(pop, np.linspace(0.0, -24.0, 33)).beats
    fade = standing.standing(found, LEAD + 64 + 8).fade
    assert fade is not None
    assert fade.depth_db(found, (64 + 8) * 0.5) == pytest.approx(6.0, abs=2.0)
    assert standing.standing(found, LEAD + 64).fade is None, "it begins here"


@pytest.mark.parametrize(("start", "silent"), [(64 + 10, None), (64 + 12, 84), (64 + 3, 85)])
def test_its_end_is_found_from_anywhere_in_it(pop: Generated, start: int, silent: int | None) -> None:
    """Eight bars by 24 dB, from within a bar and past a beat without sound."""
    found = shaped(pop, np.linspace(0.0, -24.0, 33)).beats
    if silent is not None:
        sounding, level = found.sounding.copy(), found.level.copy()
        sounding[LEAD + silent], level[LEAD + silent] = False, -80.0
        found = replace(found, sounding=sounding, level=level)
    fade = standing.fade_around(found, LEAD + start)
    assert fade is not None
    assert fade.end >= LEAD + 95


def test_one_as_long_as_any_is_found_from_within_its_first_bar(pop: Generated) -> None:
    found = shaped(pop, np.linspace(0.0, -24.0, 65)).beats
    fade = standing.fade_around(found, LEAD + 32 + 6)
    assert fade is not None
    assert fade.end >= LEAD + 95


@pytest.mark.parametrize(
    "curve",
    [
        [0.0] * 16 + [-12.0] * 17,  # the band leaves
        [0.0, -3.0, 0.0, -3.0, 0.0, -3.0, 0.0, -3.0, 0.0],
        list(np.linspace(0.0, -5.0, 33)),
        list(np.linspace(-15.0, 0.0, 33)),
    ],
)
def test_quiet_bars_and_swells_are_no_fade(pop: Generated, curve: list[float]) -> None:
    assert standing.standing(shaped(pop, np.array(curve)).beats, LEAD + 96) == standing.Standing(LEAD + 95)


def test_unfaded_beats_have_the_level_of_those_before(pop: Generated, pop_heard: Analysis) -> None:
    found = shaped(pop, np.linspace(0.0, -20.0, 33)).beats
    fade = standing.standing(found, LEAD + 96).fade
    assert fade is not None
    raised = standing.unfaded(found, fade)
    rows = slice(LEAD + 80, LEAD + 96)
    for name in ("mel", "tail", "head", "level"):
        true, faded, back = (getattr(beats, name)[rows] for beats in (pop_heard.beats, found, raised))
        loud = true > true.max() - 30.0  # below, the floor of the analysis shows
        assert np.abs(back - true)[loud].mean() < 0.25 * np.abs(faded - true)[loud].mean(), name


def test_a_chord_that_still_rings_has_ended_the_song(pop: Generated) -> None:
    """Its last chord has been struck two bars ago and falls without another note; nobody has paused yet."""
    samples = pop.song.samples.copy()
    last = pop.beat_frame(90)
    seconds = np.arange(len(samples) - last) / RATE
    chord = sum(np.sin(2 * np.pi * hz * seconds) for hz in (130.8, 261.6, 329.6, 392.0)) * 0.15
    samples[last:] = (chord * np.exp(-seconds / 0.6))[:, None].astype(np.float32)
    now = standing.standing(analysed(replace(pop, song=song_of(samples, RATE))).beats, LEAD + 96)
    assert now.ended
    assert LEAD + 88 <= now.beat <= LEAD + 92
