"""Edits with the tiny random checkpoints, against those of the reference."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import Tensor

from model.acestep import pipeline
from model.acestep.pipeline import Conditions, PromptStates, Scene
from model.acestep.sampling.flow_edit import FlowEdit
from model.acestep.sampling.guidance import GuidanceSettings
from model.acestep.sampling.render_settings import RenderSettings
from model.acestep.sampling.samplers import SamplerSettings, Sampling
from model.acestep.sampling.schedules import edit_times
from model.acestep.song_edit import compose_edit, seeded_edit_noise
from model.acestep.weights.capabilities import ModelTask
from tests.model.acestep.golden_data import table, tensors, worst
from tests.model.acestep.tiny_models import TURBO, XL, Networks, networks, silence

INPUTS = tensors("e2e_inputs")
GOLDEN = tensors("flow_edit")
CASES: dict[str, dict[str, Any]] = table("flow_edit")
TOLERANCE = {"turbo": 1e-4, "base": 5e-4, "xl": 5e-4}


def test_every_stored_edit_is_compared() -> None:
    assert set(CASES) == {name.removesuffix(".final") for name in GOLDEN if name.endswith(".final")}


def loaded(case: dict[str, Any]) -> Networks:
    return networks(XL if case["network"].startswith("xl") else TURBO)


def settings_of(case: dict[str, Any]) -> RenderSettings:
    turbo = "turbo" in case["network"]
    limit, memory = case.get("velocity_norm_threshold", 0.0), case.get("velocity_ema_factor", 0.0)
    interval = case.get("cfg_interval_start", 0.0), case.get("cfg_interval_end", 1.0)
    return RenderSettings(
        edit_times(case["steps"], case["shift"], case["timesteps"] or ()),
        SamplerSettings(
            Sampling.TURBO if turbo else Sampling.BASE, velocity_limit=limit, velocity_memory=memory
        ),
        GuidanceSettings(
            1.0 if turbo else case["guidance"], interval_start=interval[0], interval_end=interval[1]
        ),
        edit=FlowEdit(case["n_min"], case["n_max"], case["n_avg"]),
    )


@cache
def conditions(folder: Any, as_it_is: bool) -> Conditions:
    kind = "source_" if as_it_is else ""
    stored = GOLDEN if as_it_is else INPUTS
    prefix = "inputs." if as_it_is else ""
    read = PromptStates(stored[f"{prefix}{kind}text_hidden"], stored[f"{prefix}{kind}lyric_hidden"])
    encoder = networks(folder).conditions
    return pipeline.encode_conditions(encoder, read, pipeline.encode_timbre(encoder, silence()))


def scene_of(name: str, case: dict[str, Any]) -> Scene:
    song = INPUTS["src_latents"] if case["batch"] == 1 else GOLDEN["inputs.src_latents_b"]
    if case["form"] == "cover-nofsq":
        return pipeline.set_scene(ModelTask.COVER_NOFSQ, song, silence(), settings_of(case))
    if case["form"] == "text2music":
        return pipeline.set_scene(ModelTask.TEXT2MUSIC, song, silence(), settings_of(case))
    if name.endswith("codes_context"):
        hints = GOLDEN[f"{name}.hints_25hz"]
        return pipeline.set_scene(ModelTask.COVER, song, silence(), settings_of(case), from_codes=hints)
    at = loaded(case)
    hints = pipeline.code_latents(at.tokenizer, at.detokenizer, song, silence())
    return pipeline.set_scene(ModelTask.COVER, song, silence(), settings_of(case), from_codes=hints)


def both(case: dict[str, Any]) -> tuple[Conditions, Conditions]:
    """The song as it is and as it is wanted."""
    folder = XL if case["network"].startswith("xl") else TURBO
    return conditions(folder, as_it_is=True), conditions(folder, as_it_is=False)


def batched(found: Conditions, takes: int) -> Conditions:
    return replace(
        found, prompt=found.prompt.expand(takes, -1, -1), nothing=found.nothing.expand(takes, -1, -1)
    )


@pytest.mark.parametrize("name", CASES)
def test_edits_of_the_reference(name: str) -> None:
    case, seen, times = CASES[name], list[Tensor](), list[float]()
    settings, shown = settings_of(case), scene_of(name, case)
    before, after = (batched(each, case["batch"]) for each in both(case))
    drawn = GOLDEN["inputs.noises" if case["batch"] == 1 else "inputs.noises_b"]
    used: list[int] = []

    def noise(index: int) -> Tensor:
        used.append(index)
        found: Tensor = drawn[index]
        return found

    dit = loaded(case).dit

    def remembered(_dit: object, given: tuple[Tensor, ...]) -> None:
        seen.append(given[0])
        times.append(float(given[2]))

    remember = dit.register_forward_pre_hook(remembered)
    try:
        final = compose_edit(dit, shown, before, after, settings, noise, case["batch"])
    finally:
        remember.remove()
    assert used == list(range(case["noise_draws"]))
    tolerance = TOLERANCE[name.partition(".")[0]]
    assert worst(final, GOLDEN[f"{name}.final"]) <= tolerance
    looks = 2 if settings.guidance.scale > 1 and "cfg_interval_start" not in case else 1
    if looks == 2 or settings.guidance.scale == 1:
        assert times[::looks] == pytest.approx(case["times"], abs=1e-6)
    if settings.guidance.scale == 1:
        assert len(seen) == case["decoder_calls"], "two calls a draw, one a step after the window"
    if f"{name}.decoder_inputs" in GOLDEN:
        calls = torch.cat(seen[:: 2 if settings.guidance.scale > 1 else 1])
        assert worst(calls, GOLDEN[f"{name}.decoder_inputs"]) <= tolerance


def test_noises_are_the_takes_own() -> None:
    both_takes = [seeded_edit_noise(5, (0, 2), 33, 64, index) for index in range(3)]
    alone = [seeded_edit_noise(5, (2,), 33, 64, index) for index in range(3)]
    assert all(torch.equal(one[1:], other) for one, other in zip(both_takes, alone, strict=True))
    assert worst(both_takes[0][:1], both_takes[1][:1]) > 0.1
