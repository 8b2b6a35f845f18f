"""From a tracker's beats, in steps of 20 ms, to the tempo and bars of songs that are known."""

from __future__ import annotations

import numpy as np
import pytest

from model.ears import HeardBeats
from model.sketch.survey.bars import Level
from model.sketch.survey.heard_beats import beat_pulses, heard_bars, heard_level_first, mended, usable
from model.sketch.survey.survey import survey
from tests.model.sketch.survey.conftest import PACE, bands, heard, made


def tracked(name: str, every: int = 1, bar: int | None = None, late: int = 0) -> HeardBeats:
    """What a good tracker hears in a song: each `every`th beat, `bar` of the meter's beats to a bar, the downbeats
    `late` beats behind the true ones; in frames of 20 ms, as the network has them."""
    beats = np.round(made(name).beats[:-1] * 50) / 50
    return HeardBeats(beats[::every], beats[late :: bar or made(name).bar])


@pytest.mark.parametrize(
    ("name", "every", "tempo", "meter"),
    [
        ("four", 1, 121.0, "4/4"),
        ("waltz", 1, 132.0, "3/4"),
        ("six", 3, 120.0, "6/8"),
        ("noisy", 1, 128.0, "4/4"),
    ],
)
def test_one_tempo_is_found_exactly_from_beats_of_20_ms(name, every, tempo, meter):
    found = survey(heard(name), PACE, tracked(name, every))
    assert (found.tempo, found.meter, found.beats) == (tempo, meter, ())
    assert found.downbeat == pytest.approx(made(name).downbeats[0], abs=0.012)
    assert found.confidence["downbeat"] > 0.8


@pytest.mark.parametrize("name", ["ramp", "drift"])
def test_where_the_tempo_changes_beats_are_at_their_attacks(name):
    found = survey(heard(name), PACE, tracked(name))
    true = made(name).beats
    late = np.array([time - true[np.abs(true - time).argmin()] for time in found.beats[1:-1]])
    assert np.sqrt(np.mean(np.square(late))) < 0.008  # rounding to 20 ms alone is 0.006, uneven
    assert found.downbeat == pytest.approx(made(name).downbeats[0], abs=0.03)
    assert found.meter == "4/4"


def test_the_trackers_octave_and_bars_count_not_ours():
    found = survey(heard("four"), PACE, tracked("four", 2, 8))
    assert found.tempo == 60.5
    late = survey(heard("four"), PACE, tracked("four", late=2))
    assert late.downbeat == pytest.approx(made("four").beats[2], abs=0.012)


def test_without_downbeats_bars_are_those_that_stand_out():
    beats = tracked("four").beats
    found = survey(heard("four"), PACE, HeardBeats(beats, np.zeros(0)))
    assert (found.tempo, found.meter) == (121.0, "4/4")
    assert found.downbeat == pytest.approx(made("four").downbeats[0], abs=0.012)


def test_beats_of_another_song_do_not_make_its_tempo_exact():
    found = beat_pulses(np.arange(20) * 0.7, bands("four").rhythm, lambda: None)
    assert found.steady is None
    assert found.clear < 0.9


@pytest.mark.parametrize(
    ("beats", "good"),
    [
        (np.arange(60) * 0.5, True),
        (np.delete(np.arange(60) * 0.5, [7, 8, 30]), True),  # rests
        (np.arange(7) * 0.5, False),  # too few
        (np.arange(60) * 0.1, False),  # 600 BPM
        (np.arange(12) * 0.5, False),  # a fifth of the song
        (np.cumsum(np.tile([0.2, 0.5, 1.1, 0.3, 0.8], 10)), False),  # no pulse
        (np.zeros(0), False),
    ],
)
def test_what_is_usable(beats, good):
    assert usable(beats, 30.0) is good


def test_beats_passed_over_are_filled_in_and_doubles_are_one():
    true = np.arange(40) * 0.5
    assert mended(np.delete(true, [9, 20, 21])) == pytest.approx(true)
    assert mended(np.sort(np.append(true, 5.06))) == pytest.approx(true)


def test_a_bar_of_another_length_costs_certainty_not_the_meter():
    pulses = np.arange(161) * 0.25  # two a beat
    even = heard_bars(np.arange(0.5, 40.0, 2.0), pulses, 2)
    assert even is not None
    assert (even.meter, even.bar, even.first) == ("4/4", 8, 2)
    assert (even.clear, even.clear_meter) == (pytest.approx(1.0, abs=0.05), 1.0)
    odd = heard_bars(np.append(np.arange(0.5, 24.0, 2.0), np.arange(25.5, 40.0, 2.0)), pulses, 2)
    assert odd is not None
    assert (odd.meter, odd.first) == ("4/4", 2)
    assert odd.clear < 0.7
    assert heard_bars(np.array([0.5, 2.5]), pulses, 2) is None


def test_the_trackers_level_comes_first():
    levels = [Level(1, 240.0, 0.4), Level(2, 120.0, 0.1)]
    assert [level.pulses for level in heard_level_first(levels, 2)] == [2, 1]
    assert heard_level_first(levels, 4) == levels
