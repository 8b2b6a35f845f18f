"""The times of every schedule, against the published code's tables."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

from model.acestep_v1.sampling.denoise import cover_start
from model.acestep_v1.sampling.schedules import Schedule, euler, heun, picked
from tests.model.acestep_v1.golden_v1 import table

GOLDEN = table("schedules")
CLOSE = 1e-6


def same(ours: Schedule, theirs: dict[str, list[float]]) -> None:
    assert ours.levels == pytest.approx(theirs["sigmas"], abs=CLOSE)
    assert ours.times == pytest.approx(theirs["timesteps"], abs=1000 * CLOSE)


@pytest.mark.parametrize("name", GOLDEN["schedules"])
def test_schedules(name: str):
    kind, steps = name.split(".")
    same((heun if kind == "heun" else euler)(int(steps)), GOLDEN["schedules"][name])


@pytest.mark.parametrize("name", GOLDEN["audio2audio"])
def test_covers(name: str):
    strength, steps = name.removeprefix("strength").split(".steps")
    theirs = GOLDEN["audio2audio"][name]
    start = cover_start(float(strength), int(steps))
    assert start.level == pytest.approx(theirs["noise_level"], abs=CLOSE)
    assert start.schedule.evaluations == theirs["steps"]
    same(start.schedule, theirs)


@pytest.mark.parametrize("name", GOLDEN["oss"])
def test_chosen_steps(name: str):
    same(picked([int(step) for step in name.split(",")]), GOLDEN["oss"][name])


def test_no_steps_is_a_mistake():
    with pytest.raises(ValueError, match="at least 1"):
        euler(0)
