"""Options and strength against a checkpoint's defaults."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from model.acestep.sampling.flow_edit import FlowEdit
from model.acestep.sampling.guidance import GuidanceKind
from model.acestep.sampling.masks import MaskMode
from model.acestep.sampling.option_kinds import Number, Numbers, TimeList
from model.acestep.sampling.render_settings import (
    OPTIONS,
    Encoding,
    RenderSettings,
    Retake,
    settings_for,
)
from model.acestep.sampling.repaint_ops import RepaintMode, repaint_settings
from model.acestep.sampling.samplers import Method, Sampling, Solver
from model.acestep.sampling.schedules import base_times, rounded, step_count, turbo_times
from model.acestep.sampling.wavelet import WaveletMode, WaveletSettings
from model.acestep.weights.capabilities import ModelTask, traits_of
from model.errors import CannotRender

TURBO = traits_of("acestep-v15-turbo", is_turbo=True, is_xl=False)
BASE = traits_of("acestep-v15-base", is_turbo=False, is_xl=False)


def of(
    traits: Any = TURBO, task: ModelTask = ModelTask.REPAINT, strength: float = 0.5, **options: Any
) -> RenderSettings:
    return settings_for(traits, task, strength, options)


def test_the_defaults_of_turbo() -> None:
    settings = of()
    assert settings.times == rounded(turbo_times(8, 3.0))
    assert settings.sampler.sampling is Sampling.TURBO
    assert settings.sampler.wavelet == WaveletSettings()
    assert settings.guidance.scale == 1.0
    assert settings.mask_mode is MaskMode.EXPLICIT
    assert settings.encoding is Encoding.MEAN
    assert settings.repaint == repaint_settings(RepaintMode.BALANCED, 0.5)
    assert settings.switch_step is None
    assert settings.notes == ()


def test_the_defaults_of_base() -> None:
    settings = of(BASE)
    assert settings.times == base_times(50, 1.0)
    assert settings.sampler.sampling is Sampling.BASE
    assert settings.guidance.scale == 7.0


def test_strength_decides_how_firmly_a_repaint_holds() -> None:
    held = [of(strength=strength).repaint for strength in (0.0, 0.5, 1.0)]
    assert [each.injection_ratio for each in held if each] == [1.0, 0.5, 0.0]
    firm = of(strength=1.0, repaint_mode="conservative").repaint
    assert firm == repaint_settings(RepaintMode.CONSERVATIVE)


@pytest.mark.parametrize(
    ("strength", "cover_strength", "noise"),
    [(0.0, 1.0, 0.5), (0.5, 1.0, 0.0), (0.75, 0.75, 0.0), (1.0, 0.5, 0.0)],
)
def test_strength_of_a_cover(strength: float, cover_strength: float, noise: float) -> None:
    settings = of(task=ModelTask.COVER, strength=strength)
    assert (settings.cover_strength, settings.cover_noise) == (cover_strength, noise)
    assert settings.repaint is None


def test_starting_from_the_source_shortens_the_schedule_and_the_switch() -> None:
    settings = of(task=ModelTask.COVER, cover_noise=0.3, cover_strength=0.5)
    assert settings.times == rounded(turbo_times(8, 3.0)[4:])
    assert settings.switch_step == 2
    assert of(task=ModelTask.COVER, cover_strength=0.0).switch_step == 0


def test_every_option_arrives() -> None:
    settings = of(
        BASE,
        steps=6,
        shift=3,
        guidance=4,
        guidance_kind="adg",
        guidance_start=0.2,
        guidance_end=0.9,
        method="sde",
        solver="heun",
        velocity_limit=0.8,
        velocity_memory=0.3,
        wavelet="low",
        wavelet_scale=0.1,
        wavelet_high_scale=0.03,
        wavelet_filter="db4",
        mask="auto",
        repaint_mode="aggressive",
        variance=0.25,
        variation=9,
        encode="sample",
    )
    assert settings.times == base_times(6, 3.0)
    assert settings.guidance.kind is GuidanceKind.ADG
    assert (settings.guidance.scale, settings.guidance.interval_start, settings.guidance.interval_end) == (
        4,
        0.2,
        0.9,
    )
    sampler = settings.sampler
    assert (sampler.method, sampler.solver) == (Method.SDE, Solver.HEUN)
    assert (sampler.velocity_limit, sampler.velocity_memory) == (0.8, 0.3)
    assert sampler.wavelet == WaveletSettings(WaveletMode.LOW, 0.1, 0.03, "db4")
    assert settings.mask_mode is MaskMode.AUTO
    assert settings.repaint == repaint_settings(RepaintMode.AGGRESSIVE)
    assert (settings.retakes, settings.encoding) == ((Retake(0.25, 9),), Encoding.SAMPLE)


def test_a_retake_of_a_retake_names_every_take_and_noise() -> None:
    settings = of(variance="0.25, 0.1", variation="77,5", retake_of="3,2")
    assert (settings.start_take, settings.retakes) == (2, (Retake(0.25, 77, 1), Retake(0.1, 5, None)))
    assert of(variance=0.25, retake_of=3).retakes == (Retake(0.25, 0, None),)


def edit_of(traits: Any, strength: float = 0.5, **options: Any) -> RenderSettings:
    return settings_for(traits, ModelTask.COVER_NOFSQ, strength, options, edits=True)


def test_an_edit_leaves_no_choice_of_sampler_and_says_so() -> None:
    settings = edit_of(
        TURBO, 0.7, edit_start=0.2, edit_end=0.8, edit_draws=2, solver="heun", wavelet="low", steps=4
    )
    assert settings.edit == FlowEdit(0.2, 0.8, 2)
    assert settings.times == base_times(4, 3.0)
    assert (settings.sampler.solver, settings.sampler.wavelet) == (Solver.EULER, None)
    assert (settings.switch_step, settings.cover_noise) == (None, 0.0)
    assert settings.notes == ("An edit does not use solver and wavelet and strength.",)
    assert edit_of(BASE).guidance.scale == 7.0
    assert edit_of(TURBO, steps=60).notes == (
        "Used 20 steps instead of 60, the maximum of acestep-v15-turbo.",
    )
    assert edit_of(TURBO, times=[0.97, 0.5]).times == pytest.approx((0.97, 0.5, 0.0)), "no known times"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"edit_start": 0.8, "edit_end": 0.2}, "edit_start"),
        ({"times": [0.5, 0.7]}, "falling"),
        ({"edit_draws": 9}, "1 to 8"),
    ],
)
def test_an_impossible_edit_is_refused(options: dict[str, Any], named: str) -> None:
    with pytest.raises(CannotRender, match=named):
        edit_of(BASE, **options)


@pytest.mark.parametrize("written", [[1, 0.5, 0.25, 0], "1, 0.5,0.25,0"])
def test_times_can_be_given_one_by_one(written: Any) -> None:
    assert of(BASE, times=written, steps=30).times == (1.0, 0.5, 0.25, 0.0)
    assert of(TURBO, times=written).times == (1.0, 0.5, 0.25, 0.0)
    assert of(TURBO, times=[0.97, 0.3]).times == pytest.approx((21 / 22, 0.3, 0.0))


def test_the_wavelet_correction_can_be_switched_off() -> None:
    assert of(wavelet="off").sampler.wavelet is None


def test_what_turbo_cannot_use_is_noted() -> None:
    settings = of(steps=50, guidance=7)
    assert step_count(settings.times) == 20
    assert settings.guidance.scale == 1.0
    assert len(settings.notes) == 2


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"stepps": 8}, "stepps"),
        ({"steps": 0}, "1 to 200"),
        ({"steps": 8.5}, "whole number"),
        ({"steps": True}, "whole number"),
        ({"shift": "three"}, "0.1 to 10"),
        ({"shift": float("nan")}, "0.1 to 10"),
        ({"mask": "both"}, "explicit, auto"),
        ({"times": "1, x"}, "such as 1, 0.75"),
        ({"times": 5}, "such as 1, 0.75"),
        ({"times": []}, "from 1"),
        ({"times": [1.5, 0.5]}, "from 1"),
        ({"times": [0.5, 0.7]}, "falling strictly"),
        ({"guidance_start": 0.8, "guidance_end": 0.2}, "guidance_start"),
        ({"variance": "0.2,0.1", "variation": "1,2,3"}, "different numbers of values"),
        ({"variance": "0.2,0.3", "variation": "5"}, "different numbers of values"),
        ({"variance": "0.2,0.1", "retake_of": "1,2,3"}, "different numbers of values"),
        ({"edit_start": 0.2}, "edit_start is for edits only"),
    ],
)
def test_wrong_options_are_refused_with_what_is_right(options: dict[str, Any], named: str) -> None:
    with pytest.raises(CannotRender, match=named):
        of(BASE, **options)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_takes_what_its_table_says_and_nothing_beyond(name: str) -> None:
    option = OPTIONS[name]
    assert option.help
    if isinstance(option, Number):
        allowed, beyond = [option.low, option.high], [option.low - 0.01, option.high + 0.01, "1"]
    elif isinstance(option, Numbers):
        allowed, beyond = (
            [option.low, option.high, f"{option.low},{option.high}"],
            [option.low - 1, "x", "1,,1", ""],
        )
    elif isinstance(option, TimeList):
        allowed, beyond = [[1, 0], "0.5"], [None, {"a": 1}, ""]
    else:
        allowed, beyond = [word.value for word in option.values], ["", "Off", 1]
    for value in allowed:
        option.read(name, value)
    for value in beyond:
        with pytest.raises(CannotRender, match=name):
            option.read(name, value)
