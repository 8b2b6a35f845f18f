"""Progress nests, estimates, and stops."""

from __future__ import annotations

import pytest

from model.engine import Progress
from model.errors import RenderStopped
from model.pace import Pace, stoppable


def test_parts_nest_and_time_left_follows_the_clock() -> None:
    said: list[Progress] = []
    now = [0.0]
    pace = Pace(said.append, lambda: False, clock=lambda: now[0])
    now[0] = 2.0
    pace.part(0.5, 1.0).part(0.0, 0.5).at("joining", 1.0)
    assert (said[-1].stage, said[-1].fraction) == ("joining", 0.75)
    assert said[-1].seconds_left == pytest.approx(2.0 / 3.0)
    pace.at("listening", 0.01)
    assert said[-1].seconds_left is None


def test_stop_is_raised_before_any_report() -> None:
    said: list[Progress] = []
    pace = Pace(said.append, lambda: True)
    with pytest.raises(RenderStopped):
        pace.at("listening", 0.5)
    assert pace.stops()
    assert not said


def test_work_aside_leaves_the_bar_where_it_stands() -> None:
    said: list[Progress] = []
    pace = Pace(said.append, lambda: False)
    pace.part(0.0, 0.5).at("listening", 0.5)
    pace.part(0.8, 1.0).aside("separating")
    assert [(update.stage, update.fraction) for update in said] == [("listening", 0.25), ("separating", 0.25)]
    with pytest.raises(RenderStopped):
        Pace(said.append, lambda: True).aside("separating")


def test_stoppable_progress_is_passed_on_until_somebody_stops_it() -> None:
    told: list[Progress] = []
    asked = iter([False, True])
    report = stoppable(told.append, lambda: next(asked))
    report(Progress("loading", 0.5))
    with pytest.raises(RenderStopped):
        report(Progress("loading", 0.6))
    assert told == [Progress("loading", 0.5)]


def test_works_that_take_as_long_as_each_other_share_a_part() -> None:
    told: list[Progress] = []
    pace = Pace(told.append, lambda: False).part(0.5, 1.0)
    for index in range(2):
        pace.share(index, 2).at("decoding", 1.0)
    assert [each.fraction for each in told] == [0.75, 1.0]
