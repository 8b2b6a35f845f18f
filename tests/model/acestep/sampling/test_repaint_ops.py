"""Repaint settings and operations against stored numbers."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.sampling.repaint_ops import RepaintMode, blended, injected, repaint_settings, soft_mask
from tests.model.acestep.golden_data import table, tensors, worst

GOLDEN = tensors("repaint_ops")
TOLERANCE = 1e-5


@pytest.mark.parametrize("case", table("repaint_settings")["repaint_mode_table"])
def test_modes(case: dict[str, float]) -> None:
    settings = repaint_settings(RepaintMode(case["repaint_mode"]), case["repaint_strength"])
    assert settings.injection_ratio == pytest.approx(case["injection_ratio"])
    assert settings.crossfade_frames == case["latent_crossfade_frames"]
    assert settings.injected_steps(8) == case["injected_steps_of_8"]
    assert settings.injected_steps(50) == case["injected_steps_of_50"]


@pytest.mark.parametrize("width", [0, 3, 12, 25])
def test_soft_mask(width: int) -> None:
    assert worst(soft_mask(GOLDEN["mask"], width), GOLDEN[f"soft_mask.cf{width}"]) <= TOLERANCE


@pytest.mark.parametrize("time", [0.0, 0.3, 0.9])
def test_injection(time: float) -> None:
    ours = injected(GOLDEN["x"], GOLDEN["clean"], GOLDEN["noise"], GOLDEN["mask"], time)
    assert worst(ours, GOLDEN[f"injected.t{time}"]) <= TOLERANCE


@pytest.mark.parametrize("width", [3, 12])
def test_blend(width: int) -> None:
    ours = blended(GOLDEN["x"], GOLDEN["clean"], soft_mask(GOLDEN["mask"], width))
    assert worst(ours, GOLDEN[f"blended.cf{width}"]) <= TOLERANCE


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.05])
def test_the_reference_splices_waveforms_with_the_same_ramps(seconds: float) -> None:
    splice = tensors("waveform_splice")
    rate = int(splice["sample_rate"])
    source = splice["source"]  # [B, C, samples], shorter than the render: the rest is left out
    common = source.shape[-1]
    mask = torch.zeros(len(source), common, dtype=torch.bool)
    for row, start, end in zip(mask, splice["starts_s"], splice["ends_s"], strict=True):
        row[round(float(start) * rate) : round(float(end) * rate)] = True
    weight = soft_mask(mask, round(seconds * rate))
    ours = blended(splice["pred"][..., :common].mT, source.mT, weight).mT
    assert worst(ours, splice[f"spliced.cf{seconds}"][..., :common]) <= TOLERANCE


def test_outside_the_region_injection_at_time_zero_restores_the_source_bit_for_bit() -> None:
    ours = injected(GOLDEN["x"], GOLDEN["clean"], GOLDEN["noise"], GOLDEN["mask"], 0.0)
    outside = ~GOLDEN["mask"]
    assert torch.equal(ours[outside], GOLDEN["clean"][outside])
    assert torch.equal(ours[~outside], GOLDEN["x"][~outside])
