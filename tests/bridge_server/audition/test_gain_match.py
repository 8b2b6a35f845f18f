"""One loudness for all that is compared."""

import math

import pytest

from bridge_server.audition.gain_match import factor, matching_gains


def test_all_come_down_to_the_quietest():
    gains = matching_gains({"original": -14.0, "t1": -12.0, "t2": -17.5})
    assert gains == {"original": -3.5, "t1": -5.5, "t2": 0.0}


def test_silence_pulls_nobody_down():
    assert matching_gains({"original": -14.0, "t1": -math.inf, "t2": -70.0}) == dict.fromkeys(
        ("original", "t1", "t2"), 0.0
    )


def test_inaudible_differences_are_left_as_they_are():
    assert matching_gains({"original": -14.0, "t1": -14.05}) == {"original": 0.0, "t1": 0.0}


def test_no_further_than_sense_goes():
    assert matching_gains({"original": -10.0, "t1": -40.0})["original"] == -9.0


def test_factors():
    assert factor(0.0) == 1.0
    assert factor(-20.0) == pytest.approx(0.1)
