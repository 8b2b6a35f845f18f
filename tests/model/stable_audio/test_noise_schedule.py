"""The schedule steps as the published one does, bit for bit, for equal noise; and begins where it is told to."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

pytest.importorskip("diffusers", reason="Stable Audio needs diffusers: pip install takebridge[stable-audio]")

from model.stable_audio.noise_schedule import schedule
from tests.model.stable_audio.published_steps import CASES, FILE, latents_by, noise


@pytest.mark.parametrize("name", CASES)
def test_it_steps_as_the_published_one(name):
    steps, fields = CASES[name]
    found, source = schedule(fields), noise()
    latents = latents_by(
        found,
        steps,
        lambda output, time, latents: found.step(output, time, latents, generator=source).prev_sample,
    )
    expected = json.loads(FILE.read_text(encoding="utf-8"))[name]
    # Recorded on another processor, whose exponentials may differ in the last bits.
    assert latents == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(
    ("asked", "first"), [(None, 500), (20, 20), (500, 500), (9_999, 500), (0.0, 0.303), (0.5, 0.5)]
)
def test_it_begins_at_the_level_asked_for_inside_the_checkpoints_own(asked, first):
    levels = schedule({"sigma_min": 0.3, "sigma_max": 500, "_class_name": "any"}, asked)
    levels.set_timesteps(10)
    assert float(levels.sigmas[0]) == pytest.approx(first, rel=1e-5)
    assert all(before > after for before, after in pairwise(levels.sigmas))
    assert levels.sigmas[-1] == 0


def test_what_a_checkpoint_does_not_say_is_as_published():
    assert schedule({}).config == schedule({"sigma_data": 1.0, "prediction_type": "v_prediction"}).config


@pytest.mark.parametrize(
    "fields", [{"sigma_min": 500}, {"sigma_min": 0}, {"sigma_max": float("nan")}, {"solver_order": 3}]
)
def test_a_schedule_that_is_none_is_refused(fields):
    with pytest.raises(ValueError, match="no schedule of noise"):
        schedule(fields)
