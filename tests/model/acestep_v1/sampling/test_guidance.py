"""Every guidance formula against the published code's numbers, and the steps that have guidance."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

from model.acestep_v1.sampling.guidance import Formula, Guidance, Momentum, combined, orthogonal, separately
from tests.model.acestep_v1.golden_v1 import tensors, worst

GOLDEN = tensors("guidance")
CLOSE = 1e-5


@pytest.mark.parametrize(
    ("formula", "name"), [(Formula.APG, "apg15"), (Formula.CFG, "cfg15"), (Formula.CFG_STAR, "cfg_star15")]
)
def test_formulas_over_four_steps(formula: Formula, name: str):
    momentum = Momentum()
    for step in range(4):
        cond, null = GOLDEN["cond"][step], GOLDEN["uncond"][step]
        found = combined(cond, null, 15.0, formula, step, momentum)
        assert worst(found, GOLDEN[name][step]) < CLOSE


def test_projected_guidance_without_memory():
    for step in range(4):
        found = orthogonal(GOLDEN["cond"][step], GOLDEN["uncond"][step], 15.0)
        assert worst(found, GOLDEN["apg15_no_momentum"][step]) < CLOSE


def test_prompt_and_lyrics_by_themselves():
    found = separately(GOLDEN["cond"], GOLDEN["text_only"], GOLDEN["uncond"], 5.0, 1.5)
    assert worst(found, GOLDEN["double_text5_lyric1.5"]) < CLOSE


def test_the_middle_of_the_steps_is_guided():
    assert Guidance().window(60) == range(15, 45)
    assert Guidance(interval=1.0).window(8) == range(8)
    assert not Guidance(scale=1.0).window(60)
    assert not Guidance(scale=0.0).window(60)


def test_the_scale_may_decay_and_one_step_has_all_of_it():
    falling = Guidance(interval=1.0, decay=1.0)
    assert [falling.at(step, 3) for step in range(3)] == [15.0, 9.0, 3.0]
    assert Guidance(interval=0.5, decay=1.0).at(0, 2) == 15.0
