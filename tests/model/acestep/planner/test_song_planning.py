"""A new song's plan: what the planner is asked for and what a render takes from its answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.places import TINY_PLANNER

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)
from model.acestep.conditioning.prompts import INSTRUMENTAL
from model.acestep.conditioning.request_plan import plan_render
from model.acestep.device.devices import choose_device
from model.acestep.planner.planner import PlanRequest
from model.acestep.planner.planner_prompts import NOTHING_SAID, PlannedSong
from model.acestep.planner.song_planning import refuse_unless_it_fits, song_plan_of, wanted_of
from model.acestep.weights.capabilities import traits_of
from model.engine import Grid, RenderRequest, Task
from model.errors import CannotRender


def test_a_planner_that_does_not_fit_is_refused_before_it_is_loaded() -> None:
    cpu = choose_device("cpu")
    refuse_unless_it_fits(TINY_PLANNER, cpu, None)
    refuse_unless_it_fits(TINY_PLANNER, cpu, 1_000_000_000)
    with pytest.raises(CannotRender, match=r"needs 0\.9 GB, but the device has 0\.8 GB free") as error:
        refuse_unless_it_fits(TINY_PLANNER, cpu, 800_000_000)
    assert "acestep-5Hz-lm-0.6B" in error.value.remedy


RATE = 48_000
BEATS = np.arange(64)
GRID = Grid(BEATS * 0.5, BEATS % 4, np.full(64, 4), BEATS // 4 + 1, np.full(64, 120.0))


def asked(**changed: Any) -> RenderRequest:
    return RenderRequest(Task.GENERATE, None, RATE, 2, 0, 20 * RATE, GRID, seed=1, **changed)


def wanted(request: RenderRequest) -> PlanRequest:
    turbo = traits_of("acestep-v15-turbo", is_turbo=True, is_xl=False)
    return wanted_of(request, plan_render(request, turbo))


def test_what_the_host_knows_is_decided() -> None:
    found = wanted(asked(key="A minor", language="en", caption="calm piano", lyrics="la la"))
    assert (found.caption, found.lyrics, found.seconds) == ("calm piano", "la la", 20.0)
    assert found.facts == {
        "bpm": "120", "duration": "20", "keyscale": "A minor", "timesignature": "4", "language": "en",
    }  # fmt: skip
    assert not found.writes_caption


def test_what_nobody_has_said_is_the_planners_to_write() -> None:
    found = wanted(asked())
    assert (found.caption, found.lyrics) == (NOTHING_SAID, INSTRUMENTAL)
    assert found.facts.keys() == {"bpm", "duration", "timesignature"}
    assert found.writes_caption


ANSWER = PlannedSong(
    {"bpm": 96, "keyscale": "C major", "caption": "warm strings", "language": "de"}, (1, 2, 3)
)


def test_a_blueprint_fills_what_was_left_open() -> None:
    found = song_plan_of(ANSWER, asked())
    assert (found.metas.bpm, found.metas.key, found.codes) == (96, "C major", (1, 2, 3))
    assert (found.caption, found.language) == ("warm strings", "de")


def test_and_leaves_what_the_producer_said() -> None:
    found = song_plan_of(ANSWER, asked(caption="calm piano", language="en"))
    assert (found.caption, found.language) == ("", "")


def test_a_language_the_text_encoder_does_not_know_is_left_out() -> None:
    assert song_plan_of(PlannedSong({"language": "klingon"}), asked()).language == ""
