"""Guidance against five stored steps of the reference, and what each formula promises."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.sampling import guidance
from model.acestep.sampling.guidance import GuidanceKind, GuidanceSettings, Guide
from tests.model.acestep.golden_data import tensors, worst

GOLDEN = tensors("guidance")
STEPS = range(5)
TOLERANCE = 1e-5


def pair(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    return GOLDEN[f"step{step}.cond"], GOLDEN[f"step{step}.uncond"]


@pytest.mark.parametrize("kind", list(GuidanceKind))
def test_five_steps_in_a_row(kind: GuidanceKind) -> None:
    guide = Guide(GuidanceSettings(7.0, kind))
    for step in STEPS:
        guided = guide.predict(*pair(step), GOLDEN["latents"], float(GOLDEN["sigma"][step]))
        assert worst(guided, GOLDEN[f"step{step}.{kind.value}"]) <= TOLERANCE


def test_the_running_difference() -> None:
    running = None
    for step in STEPS:
        running = guidance.running_difference(*pair(step), running)
        assert worst(running, GOLDEN[f"step{step}.momentum"]) <= TOLERANCE


@pytest.mark.parametrize("step", STEPS)
def test_part_of_the_parallel_difference_can_be_kept(step: int) -> None:
    cond, null = pair(step)
    guided = guidance.projected(cond, cond - null, 3.0, eta=0.5)
    assert worst(guided, GOLDEN[f"step{step}.apg_no_momentum_eta05"]) <= TOLERANCE


def test_the_corrector_is_plain_and_leaves_the_memory_alone() -> None:
    guide, untouched = Guide(GuidanceSettings(7.0)), Guide(GuidanceSettings(7.0))
    latents = GOLDEN["latents"]
    for one in (guide, untouched):
        one.predict(*pair(0), latents, 1.0)
    assert worst(guide.correct(*pair(1), latents, 0.7), GOLDEN["step1.cfg"]) <= TOLERANCE
    assert torch.equal(guide.predict(*pair(2), latents, 0.5), untouched.predict(*pair(2), latents, 0.5))


def test_the_angle_based_corrector_is_angle_based_where_there_is_an_angle() -> None:
    guide = Guide(GuidanceSettings(7.0, GuidanceKind.ADG, interval_end=0.9))
    latents, time = GOLDEN["latents"], float(GOLDEN["sigma"][1])
    assert worst(guide.correct(*pair(1), latents, time), GOLDEN["step1.adg"]) <= TOLERANCE
    for elsewhere in (0.0, 0.95):
        assert worst(guide.correct(*pair(1), latents, elsewhere), GOLDEN["step1.cfg"]) <= TOLERANCE
        assert guide.needs_null(elsewhere, corrector=True)
    assert not guide.needs_null(0.95, corrector=False)
    assert not Guide(GuidanceSettings(7.0, interval_end=0.9)).needs_null(0.95, corrector=True)
    assert not Guide(GuidanceSettings(1.0, GuidanceKind.ADG)).needs_null(0.5, corrector=True)


def test_what_apg_adds_is_orthogonal_to_the_conditional_velocity() -> None:
    cond, null = pair(0)
    added = guidance.projected(cond, cond - null, 7.0) - cond
    along = (added.double() * torch.nn.functional.normalize(cond.double(), dim=1)).sum(dim=1)
    assert float(along.abs().max()) < 1e-5
    assert float(added.norm(dim=1).max()) <= 6 * 2.5 + 1e-4


def test_the_interval_is_on_the_time_itself_ends_included() -> None:
    settings = GuidanceSettings(7.0, interval_start=0.4, interval_end=0.8)
    assert [settings.active(time) for time in (1.0, 0.8, 0.6, 0.4, 0.3)] == [False, True, True, True, False]
    assert not GuidanceSettings(1.0).active(0.5)


@pytest.mark.parametrize(
    "wrong",
    [{"scale": 0.5}, {"scale": 31.0}, {"interval_start": 0.6, "interval_end": 0.5}, {"interval_end": 1.5}],
)
def test_settings_check_themselves(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        GuidanceSettings(**wrong)
