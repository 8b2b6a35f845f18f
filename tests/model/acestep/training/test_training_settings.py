"""What a training may be set to, its learning rate over time, and the presets."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from model.acestep.training.training_settings import (
    PRESETS,
    AdapterKind,
    OptimiserKind,
    TrainingSettings,
    preset_for,
    settings_from_json,
)


def test_the_rate_rises_and_then_falls() -> None:
    settings = TrainingSettings(steps=200, warmup=100, learning_rate=1.0)
    rates = [settings.rate_at(step) for step in range(200)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[20] == pytest.approx(1.0)  # a tenth of so few steps
    assert rates[:21] == sorted(rates[:21])
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert 0.01 <= rates[-1] < 0.011


@pytest.mark.parametrize(
    "wrong",
    [
        {"rank": 0}, {"steps": 0}, {"crop_frames": 0}, {"accumulation": 0}, {"patience": 0}, {"dropout": 1.0},
        {"dropout": -0.1}, {"region_share": 1.1}, {"condition_dropout": float("nan")}, {"learning_rate": 0.0},
        {"learning_rate": float("inf")}, {"alpha": -1.0}, {"gradient_limit": 0.0},
        {"seed": -1}, {"seed": 2**63}, {"steps": 10**400}, {"rank": 10**10}, {"weight_decay": float("inf")},
        {"warmup": -1},
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TrainingSettings(**wrong)


def test_settings_come_back_from_json() -> None:
    settings = TrainingSettings(
        kind=AdapterKind.LOKR, optimiser=OptimiserKind.ADAFACTOR, rank=7, learning_rate=0.03
    )
    assert settings_from_json(settings.as_json()) == settings
    for text in ("{}", "no JSON", '{"kind": "other"}', "[]"):
        with pytest.raises(ValueError):
            settings_from_json(text)


def test_a_preset_never_needs_more_than_there_is() -> None:
    assert preset_for(0.0) == preset_for(8.0) == PRESETS[8]
    assert preset_for(15.9) == PRESETS[12]
    assert preset_for(80.0) == PRESETS[24]
    assert [PRESETS[size].rank for size in sorted(PRESETS)] == [16, 32, 64, 128]
