"""The options of a planner's draw."""

from __future__ import annotations

from typing import Any

import pytest

from model.acestep.planner.drawing import DESCRIBING, Drawing, take_options
from model.errors import CannotRender


def test_options_change_what_they_name_and_are_taken_out() -> None:
    options: dict[str, Any] = {
        "planner_temperature": 0,
        "planner_top_k": 5,
        "planner_guidance": 3.5,
        "steps": 8,
    }
    changes = take_options(options)
    assert options == {"steps": 8}
    assert Drawing().changed(changes) == Drawing(temperature=0, top_k=5, guidance=3.5)
    assert DESCRIBING.changed({}) == DESCRIBING


@pytest.mark.parametrize(
    "wrong",
    [
        {"planner_temperature": -0.1},
        {"planner_top_p": 1.1},
        {"planner_top_k": 2.5},
        {"planner_repetition": "much"},
        {"planner_guidance": True},
        {"planner_guidance": 0.5},
    ],
)
def test_wrong_values_are_refused_with_the_range(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(CannotRender, match=name) as refused:
        take_options(dict(wrong))
    assert " to " in refused.value.remedy
