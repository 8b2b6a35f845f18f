"""What is found in songs whose tempo, bars and parts are known, and that nothing fools it into more."""

from __future__ import annotations

import time

import numpy as np
import pytest

from model.engine import Song
from model.errors import CannotRender, RenderStopped
from model.pace import Pace
from model.sketch.analysis import analysis
from model.sketch.survey.steady_pulse import SteadyPulse
from model.sketch.survey.survey import rounded, survey
from tests.model.sketch.survey.conftest import PACE, heard, made
from tests.model.sketch.survey.rhythm_songs import RATE


@pytest.mark.parametrize(
    ("name", "tempo", "meter"),
    [("four", 121.0, "4/4"), ("waltz", 132.0, "3/4"), ("six", 120.0, "6/8"), ("seven", 140.0, "7/8")],
)
def test_a_steady_tempo_is_found_exactly_and_bars_where_they_are(name, tempo, meter):
    found = survey(heard(name), PACE)
    assert (found.tempo, found.meter, found.beats) == (tempo, meter, ())
    late = found.downbeat - made(name).downbeats
    assert np.abs(late).min() < 0.012
    assert found.downbeat < made(name).downbeats[0] + 0.012  # the first one, not the second
    assert found.confidence["tempo"] > 0.8


def test_a_lead_in_of_hiss_is_before_bar_1():
    assert survey(heard("noisy"), PACE).downbeat == pytest.approx(3.21, abs=0.012)


@pytest.mark.parametrize("name", ["ramp", "drift"])
def test_a_changing_tempo_gives_every_beat(name):
    found = survey(heard(name), PACE)
    beats, true = np.array(found.beats), made(name).beats
    late = np.array([time - true[np.abs(true - time).argmin()] for time in beats[1:-1]])
    assert np.sqrt(np.mean(np.square(late))) < 0.008
    assert len(beats) == pytest.approx(len(true), abs=2)
    assert np.abs(found.downbeat - made(name).downbeats).min() < 0.03
    assert found.tempo == pytest.approx(60.0 / np.diff(true[:17]).mean(), rel=0.01)


def test_parts_that_sound_alike_share_a_letter():
    found = survey(heard("parts"), PACE).sections
    assert [part.name for part in found] == ["A", "B", "A"]
    assert [part.start for part in found] == pytest.approx([0.0, 16.0, 32.0], abs=0.05)
    assert found[-1].end == pytest.approx(heard("parts").seconds, abs=0.001)


def test_one_part_is_no_finding():
    (only,) = survey(heard("four"), PACE).sections
    assert (only.name, only.confidence) == ("A", 0.0)


def test_key_and_tuning():
    found = survey(heard("four"), PACE)
    assert found.key in ("C major", "A minor")  # C Am F G
    assert abs(found.tuning) < 3.0


@pytest.mark.parametrize("name", ["four", "ramp"])
def test_it_stops_within_a_twentieth_of_a_second_of_work(name):
    heard(name)
    gaps, last = [], time.process_time()

    def asked() -> bool:
        nonlocal last
        now = time.process_time()
        gaps.append(now - last)
        last = now
        return False

    survey(heard(name), Pace(lambda _: None, asked))
    assert max(gaps) < 0.15  # 50 ms on a machine that has nothing else to do
    with pytest.raises(RenderStopped):
        survey(heard(name), Pace(lambda _: None, lambda: True))


@pytest.mark.parametrize(
    ("samples", "reason"),
    [(np.zeros(8 * RATE), "no tempo"), (np.random.default_rng(0).normal(0, 0.1, 2 * RATE), "too short")],
)
def test_silence_and_snippets_are_refused_with_a_reason(samples, reason):
    song = Song(samples.astype(np.float32)[:, None], RATE, "odd")
    with pytest.raises(CannotRender, match=reason):
        survey(analysis.listen(song, PACE), PACE)


def test_noise_has_no_sure_tempo():
    noise = np.random.default_rng(1).normal(0.0, 0.1, 20 * RATE).astype(np.float32)
    found = survey(analysis.listen(Song(noise[:, None], RATE, "noise"), PACE), PACE)
    assert found.confidence["tempo"] < 0.8


@pytest.mark.parametrize(
    ("measured", "error", "tempo"),
    [
        (120.004, 2e-5, 120.0),
        (97.4996, 2e-5, 97.5),
        (127.296, 2e-5, 127.3),
        (100.01, 1e-5, 100.01),
        (121.3, 1e-3, 121.0),
    ],
)
def test_tempos_are_as_round_as_the_measurement_allows(measured, error, tempo):
    pulse = SteadyPulse(2 * measured, 0.1, measured, error, 0.002)
    found = rounded(pulse, 150.0)
    assert found.tempo == pytest.approx(tempo)
    middle = [one.first + np.arange(700) * 60.0 / one.per_minute for one in (pulse, found)]
    at = np.abs(middle[0] - 75.0).argmin()
    assert np.abs(middle[1] - middle[0][at]).min() < 1e-6  # the pulse in the middle stays
