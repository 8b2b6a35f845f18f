"""Confidences are within their bounds and go up with what speaks for a finding."""

import pytest

from model.sketch.analysis.chords import Key
from model.sketch.survey import confidence
from model.sketch.survey.bars import Bars, Level
from model.sketch.survey.steady_pulse import SteadyPulse


def bars(clear, meter=0.5):
    return Bars("4/4", 2, 8, 0, clear, meter)


def test_what_speaks_for_a_finding_makes_it_surer():
    assert confidence.of_downbeat(bars(0.9)) > confidence.of_downbeat(bars(0.1))
    assert confidence.of_meter(bars(0.5, 0.9)) > confidence.of_meter(bars(0.5, 0.1))
    near, far = [Level(2, 120, 0), Level(4, 60, -0.1)], [Level(2, 120, 0), Level(4, 60, -2.0)]
    assert confidence.of_octave(far) > 0.95 > confidence.of_octave(near)
    calm, wild = (SteadyPulse(240, 0, 120, 1e-5, wander) for wander in (0.001, 0.02))
    assert confidence.of_tempo(calm, 60, 1.0) > confidence.of_tempo(wild, 60, 1.0)
    assert confidence.of_tempo(calm, 60, 1.0) > confidence.of_tempo(calm, 10, 1.0)
    assert confidence.of_tempo(None, 60, 0.9) > confidence.of_tempo(None, 60, 0.3)
    sure = {Key(0, "major"): 0.9, Key(9, "minor"): 0.7}
    assert confidence.of_key(sure) > confidence.of_key({**sure, Key(9, "minor"): 0.89})


@pytest.mark.parametrize("clear", [0.0, 1.0])
def test_nothing_is_certain_and_nothing_impossible(clear):
    found = (
        confidence.of_downbeat(bars(clear)),
        confidence.of_meter(bars(clear, clear)),
        confidence.of_octave([Level(2, 120, 0)]),
    )
    assert all(0.0 < one < 1.0 for one in found)


def test_chords_are_as_sure_as_the_named_ones_are_likely():
    assert confidence.of_chords(0.8) == 0.8
    assert confidence.of_chords(1.0) < 1.0
