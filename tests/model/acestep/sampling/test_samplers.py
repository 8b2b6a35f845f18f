"""The sampling loop on velocities whose answer is known; whole renders are compared in test_pipeline.py."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import Tensor

from model.acestep.sampling.repaint_ops import RepaintSettings
from model.acestep.sampling.samplers import (
    Keep,
    Method,
    NoisePurpose,
    SamplerSettings,
    Sampling,
    Solver,
    denoise,
    from_source,
    generator,
    limited,
    noise_like_latents,
    varied,
)
from model.acestep.sampling.schedules import base_times, turbo_times
from model.acestep.sampling.wavelet import WaveletSettings
from model.errors import RenderStopped

FRAMES, CHANNELS = 12, 4
NOISE = noise_like_latents(FRAMES, CHANNELS, generator(1, 0, NoisePurpose.START))
DATA = noise_like_latents(FRAMES, CHANNELS, generator(2, 0, NoisePurpose.START))
TURBO, BASE = turbo_times(8, 3.0), base_times(6, 3.0)


class Recorder:
    """A velocity field given as a function of latents and time, and the calls made to it."""

    def __init__(self, field: Callable[[Tensor, float], Tensor]) -> None:
        self.field = field
        self.calls: list[tuple[float, int, bool]] = []

    def __call__(self, latents: Tensor, time: float, step: int, corrector: bool) -> Tensor:
        self.calls.append((time, step, corrector))
        return self.field(latents, time)


def towards(data: Tensor) -> Recorder:
    """The exact velocity when there is only one piece of data: straight lines that meet in it."""
    return Recorder(lambda latents, time: (latents - data) / max(time, 1e-6))


def growing() -> Recorder:
    """dx/dt = x: from x at time 1 the answer at time 0 is x / e."""
    return Recorder(lambda latents, _time: latents)


def settings(sampling: Sampling = Sampling.TURBO, **changed: object) -> SamplerSettings:
    return SamplerSettings(sampling, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(("sampling", "times"), [(Sampling.TURBO, TURBO), (Sampling.BASE, BASE)])
@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("wavelet", [None, WaveletSettings()])
def test_a_perfect_velocity_arrives(
    sampling: Sampling, times: tuple[float, ...], method: Method, wavelet: WaveletSettings | None
) -> None:
    chosen = settings(sampling, method=method, wavelet=wavelet)
    fresh = generator(3, 0, NoisePurpose.STEP)
    arrived = denoise(
        towards(DATA),
        NOISE,
        NOISE,
        times,
        chosen,
        step_noise=lambda _step: noise_like_latents(FRAMES, CHANNELS, fresh),
    )
    assert torch.allclose(arrived, DATA, atol=1e-5)


def test_euler_looks_once_per_step_at_the_scheduled_times() -> None:
    field = towards(DATA)
    denoise(field, NOISE, NOISE, TURBO, settings())
    assert field.calls == [(time, step, False) for step, time in enumerate(TURBO[:-1])]


@pytest.mark.parametrize(
    ("sampling", "times", "looks"), [(Sampling.TURBO, TURBO, 15), (Sampling.BASE, BASE, 12)]
)
def test_heun_looks_twice_but_not_at_the_end_of_turbo(
    sampling: Sampling, times: tuple[float, ...], looks: int
) -> None:
    field = growing()
    denoise(field, NOISE, NOISE, times, settings(sampling, solver=Solver.HEUN))
    assert len(field.calls) == looks
    assert field.calls[:2] == [(times[0], 0, False), (times[1], 0, True)]


def test_heun_is_of_second_order() -> None:
    def error(solver: Solver, steps: int) -> float:
        chosen = settings(Sampling.BASE, solver=solver)
        end = denoise(growing(), NOISE, NOISE, base_times(steps, 1.0), chosen)
        return float((end - NOISE / math.e).abs().max())

    assert error(Solver.EULER, 20) / error(Solver.EULER, 40) == pytest.approx(2, rel=0.1)
    assert error(Solver.HEUN, 20) / error(Solver.HEUN, 40) == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("sampling", list(Sampling))
def test_the_sde_noises_again_to_the_next_time(sampling: Sampling) -> None:
    seen: list[Tensor] = []
    zero = Recorder(lambda latents, _time: seen.append(latents) or torch.zeros_like(latents))
    times = base_times(4, 3.0)
    ones = torch.ones_like(NOISE)
    denoise(zero, NOISE, NOISE, times, settings(sampling, method=Method.SDE), step_noise=lambda _step: ones)
    # With no velocity the clean guess is the latents themselves.
    following = times[1] if sampling is Sampling.TURBO else 1 - 1 / 4
    assert torch.allclose(seen[1], following * ones + (1 - following) * seen[0])


def test_the_sde_needs_noise() -> None:
    with pytest.raises(ValueError, match="step_noise"):
        denoise(growing(), NOISE, NOISE, TURBO, settings(method=Method.SDE))


def test_the_limit_holds_each_item_by_itself() -> None:
    latents = torch.cat([NOISE, NOISE])
    velocity = torch.cat([3 * NOISE, 0.5 * NOISE])
    held = limited(velocity, latents, 0.8)
    assert torch.allclose(held, torch.cat([0.8 * NOISE, 0.5 * NOISE]), atol=1e-6)
    assert limited(velocity, latents, 0.0) is velocity


def test_the_velocity_remembers() -> None:
    values = iter((1.0, 2.0, 4.0))
    field = Recorder(lambda latents, _time: torch.full_like(latents, next(values)))
    end = denoise(field, NOISE, NOISE, base_times(3, 1.0), settings(Sampling.BASE, velocity_memory=0.25))
    # 1; 0.75 * 2 + 0.25 * 1 = 1.75; 0.75 * 4 + 0.25 * 1.75 = 3.4375; a third of each
    assert torch.allclose(end, NOISE - (1 + 1.75 + 3.4375) / 3, atol=1e-5)


def keep(ratio: float, crossfade: int) -> Keep:
    mask = torch.zeros(1, FRAMES, dtype=torch.bool)
    mask[:, 4:8] = True
    return Keep(DATA, mask, RepaintSettings(ratio, crossfade))


def test_injection_puts_the_noised_source_around_the_region() -> None:
    seen: list[Tensor] = []
    field = Recorder(lambda latents, _time: seen.append(latents) or torch.ones_like(latents))
    denoise(field, NOISE, NOISE, TURBO, settings(), keep=keep(0.5, 0))
    for step in range(1, 8):
        expected = from_source(DATA, NOISE, TURBO[step])
        outside = torch.cat([seen[step][:, :4], seen[step][:, 8:]], dim=1)
        there = torch.cat([expected[:, :4], expected[:, 8:]], dim=1)
        assert torch.equal(outside, there) == (step <= 4)


@pytest.mark.parametrize("sampling", list(Sampling))
def test_the_sde_injects_at_the_time_its_step_ended_at(sampling: Sampling) -> None:
    seen: list[Tensor] = []
    field = Recorder(lambda latents, _time: seen.append(latents) or torch.ones_like(latents))
    times, ones = base_times(4, 3.0), torch.ones_like(NOISE)
    chosen = settings(sampling, method=Method.SDE)
    denoise(field, NOISE, NOISE, times, chosen, step_noise=lambda _step: ones, keep=keep(1.0, 0))
    for step in range(1, 4):
        ended = times[step] if sampling is Sampling.TURBO else 1 - step / 4
        assert torch.equal(seen[step][:, :4], from_source(DATA, NOISE, ended)[:, :4])


@pytest.mark.parametrize(("sampling", "restored"), [(Sampling.BASE, True), (Sampling.TURBO, False)])
def test_only_the_base_sampler_injects_after_the_last_step(sampling: Sampling, restored: bool) -> None:
    field = Recorder(lambda latents, _time: torch.ones_like(latents))
    end = denoise(field, NOISE, NOISE, BASE, settings(sampling), keep=keep(1.0, 0))
    assert torch.equal(end[:, :4], DATA[:, :4]) == restored


def test_the_blend_restores_what_lies_beyond_the_ramps() -> None:
    end = denoise(growing(), NOISE, NOISE, TURBO, settings(), keep=keep(0.0, 2))
    plain = denoise(growing(), NOISE, NOISE, TURBO, settings())
    assert torch.equal(end[:, :2], DATA[:, :2])
    assert torch.equal(end[:, 4:8], plain[:, 4:8])
    assert torch.allclose(end[:, 3], (2 * plain[:, 3] + DATA[:, 3]) / 3, atol=1e-6)


def test_progress_is_reported_after_every_step() -> None:
    reported: list[tuple[int, int]] = []
    denoise(
        growing(), NOISE, NOISE, BASE, settings(), on_step=lambda done, steps: reported.append((done, steps))
    )
    assert reported == [(done, 6) for done in range(1, 7)]


@pytest.mark.parametrize("solver", list(Solver))
def test_a_stop_takes_effect_before_the_next_step(solver: Solver) -> None:
    field = growing()
    with pytest.raises(RenderStopped):
        denoise(
            field,
            NOISE,
            NOISE,
            TURBO,
            settings(solver=solver),
            should_stop=lambda: len(field.calls) == 3,
        )
    assert len(field.calls) == 3


def drawn(seed: int, take: int, purpose: NoisePurpose, index: int = 0) -> Tensor:
    return noise_like_latents(FRAMES, CHANNELS, generator(seed, take, purpose, index))


def test_noise_is_named_by_seed_take_purpose_and_index() -> None:
    first = drawn(7, 0, NoisePurpose.START)
    assert torch.equal(first, drawn(7, 0, NoisePurpose.START))
    others = [
        drawn(8, 0, NoisePurpose.START),
        drawn(7, 1, NoisePurpose.START),
        drawn(7, 0, NoisePurpose.STEP),
    ]
    others.append(drawn(7, 0, NoisePurpose.STEP, 1))
    assert not any(torch.equal(first, other) for other in others)
    assert not torch.equal(others[2], others[3])


def test_varied_noise_stays_standard_normal() -> None:
    first = noise_like_latents(2000, 64, generator(1, 0, NoisePurpose.START))
    other = noise_like_latents(2000, 64, generator(1, 0, NoisePurpose.RETAKE))
    assert torch.equal(varied(first, other, 0.0), first)
    assert torch.allclose(varied(first, other, 1.0), other, atol=1e-6)
    assert float(varied(first, other, 0.3).std()) == pytest.approx(1.0, abs=0.01)
    with pytest.raises(ValueError, match=r"0\.\.1"):
        varied(first, other, 1.5)


@pytest.mark.parametrize(
    "wrong", [{"velocity_limit": -1.0}, {"velocity_memory": 1.0}, {"velocity_memory": -0.1}]
)
def test_settings_check_themselves(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        settings(**wrong)
