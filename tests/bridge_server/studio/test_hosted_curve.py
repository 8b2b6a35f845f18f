"""What a host tells of its steps, as a process here would have told it: nothing twice, nothing left out."""

from __future__ import annotations

from typing import Any

import pytest

from bridge_server.studio.hosted_curve import HostedCurve
from bridge_server.studio.training_messages import TrainingStands
from daw_protocol.errors import ProtocolError


def stands(start: int, losses: tuple[float, ...], **more: Any) -> TrainingStands:
    values = {"state": "training", "phase": "training", "steps": 8, "seconds_left": 2.0, **more}
    return TrainingStands(1, start=start, losses=losses, **values)


def test_each_step_is_told_once_with_its_check() -> None:
    curve = HostedCurve()
    assert list(curve.take_in(stands(0, ()))) == []
    first = list(curve.take_in(stands(0, (4.0, 3.0), checks=((2, 3.5),))))
    assert [news["losses"] for news in first] == [[4.0, 3.0]], "what was before is told at once"
    told = list(curve.take_in(stands(2, (2.0, 1.0), checks=((2, 3.5), (4, 1.5)))))
    assert [(news["step"], news["loss"], news["checked"]) for news in told] == [(3, 2.0, None), (4, 1.0, 1.5)]
    assert [news["share"] for news in told] == [3 / 8, 0.5]
    assert {news["seconds_left"] for news in told} == {2.0}


def test_after_a_cut_everything_is_told_anew_and_a_late_check_too() -> None:
    curve = HostedCurve()
    list(curve.take_in(stands(0, (4.0, 3.0, 2.0))))
    (again,) = curve.take_in(stands(0, (4.0, 3.0)))
    assert again["losses"] == [4.0, 3.0], "the host goes on from an earlier state"
    (late,) = curve.take_in(stands(2, (), checks=((2, 3.5),)))
    assert late["checks"] == [(2, 3.5)]


def test_the_end_comes_when_every_step_is_known() -> None:
    curve = HostedCurve()
    list(curve.take_in(stands(0, (4.0, 3.0), state="done", steps=3)))
    assert not curve.complete
    list(curve.take_in(stands(2, (2.0,), state="done", steps=3, stopped_early=True)))
    assert curve.complete
    result = curve.result("my_sound")
    assert result == {"adapter": "my_sound", "stopped_early": True, "losses": [4.0, 3.0, 2.0], "checks": []}


def test_words_are_told_once() -> None:
    curve = HostedCurve()
    words = {"described": {"rain.wav": "soft"}, "skipped": "no memory"}
    told = list(curve.take_in(stands(0, (), **words)))
    assert told[0]["described"] == [{"name": "rain.wav", "caption": "soft"}]
    assert told[1]["skipped"] == "no memory"
    assert list(curve.take_in(stands(0, (), **words))) == []


@pytest.mark.parametrize("wrong", [stands(1, (2.0,)), stands(-1, (2.0,)), stands(0, (2.0,), steps=0)])
def test_steps_that_do_not_follow_are_refused(wrong: TrainingStands) -> None:
    with pytest.raises(ProtocolError, match="does not belong"):
        list(HostedCurve().take_in(wrong))
