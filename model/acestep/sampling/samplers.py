"""From noise to latents: one loop over the times, with the network as a callable.

x_t = t noise + (1 - t) data; the network predicts v = noise - data; an Euler step is x += (t_next - t) v.
Order within a step, as in the reference implementation: velocity (including condition switch and guidance) - norm limit
- moving average - step - wavelet correction - repaint injection.
Noise comes from CPU generators, so that a seed gives the same noise on every device.
"""

from __future__ import annotations

import enum
import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from model.acestep.sampling.multistep import History, Multistep
from model.acestep.sampling.repaint_ops import RepaintSettings, blended, injected, soft_mask
from model.acestep.sampling.schedules import Times, step_count
from model.acestep.sampling.wavelet import WaveletSettings, corrected
from model.engine import ShouldStop, stop_if_asked
from model.torch_device import send


class Velocity(Protocol):
    """The network with its conditions and guidance; latents and result are [B, T, C]."""

    def __call__(self, latents: Tensor, time: float, step: int, corrector: bool) -> Tensor:
        """The velocity at `time`. corrector: Heun's second evaluation within the same step."""
        ...


OnStep = Callable[[int, int], None]
"""Called with (steps done, total steps) after every step."""

StepNoise = Callable[[int], Tensor]
"""Fresh noise [B, T, C] for the SDE, by step."""


class Method(enum.Enum):
    """Whether fresh noise enters between steps."""

    ODE = "ode"  # none: the initial noise determines everything
    SDE = "sde"  # every step goes to the clean estimate and is noised again


class Solver(enum.Enum):
    """The ODE solver; the SDE uses Euler only."""

    EULER = "euler"
    HEUN = "heun"  # averages the velocities at both ends; twice the network evaluations
    DPM3M = Multistep.DPM3M.value  # with the velocities of earlier steps, see multistep.py
    STORK4 = Multistep.STORK4.value  # the same, by another formula


class Sampling(enum.Enum):
    """The two published samplers; they differ in details of the last step."""

    TURBO = "turbo"
    BASE = "base"


@dataclass(frozen=True)
class SamplerSettings:
    """velocity_limit: |v| <= limit |x| per item, 0 = off. velocity_memory: share of the previous velocity."""

    sampling: Sampling
    method: Method = Method.ODE
    solver: Solver = Solver.EULER
    velocity_limit: float = 0.0
    velocity_memory: float = 0.0
    wavelet: WaveletSettings | None = None

    def __post_init__(self) -> None:
        if self.velocity_limit < 0:
            raise ValueError(f"velocity limit must be 0 (off) or more, not {self.velocity_limit}")
        if not 0 <= self.velocity_memory < 1:
            raise ValueError(f"velocity memory must be at least 0 and below 1, not {self.velocity_memory}")

    @property
    def needs_step_noise(self) -> bool:
        return self.method is Method.SDE


@dataclass(frozen=True)
class Keep:
    """What a repaint preserves. source: latents [B, T, C]; mask: bool [B, T], True where re-rendered, on the CPU."""

    source: Tensor
    mask: Tensor
    settings: RepaintSettings


def denoise(
    velocity: Velocity,
    start: Tensor,
    noise: Tensor,
    times: Times,
    settings: SamplerSettings,
    *,
    step_noise: StepNoise | None = None,
    keep: Keep | None = None,
    on_step: OnStep = lambda _done, _steps: None,
    should_stop: ShouldStop = lambda: False,
) -> Tensor:
    """Latents [B, T, C] after the last step.

    start: latents at times[0]. noise: the initial noise, for injection. Raises RenderStopped at the next
    network evaluation once `should_stop` returns true.
    """
    loop = _Loop(velocity, times, settings, step_noise, should_stop)
    latents, steps = start, step_count(times)
    inside = None if keep is None else send(keep.mask, start.device)
    for step in range(steps):
        latents = loop.after_step(latents, step)
        if keep is not None and inside is not None and loop.injects(step, keep.settings):
            latents = injected(latents, keep.source, noise, inside, loop.ends_at(step))
        on_step(step + 1, steps)
    if keep is None or keep.settings.crossfade_frames == 0:
        return latents
    weight = soft_mask(keep.mask, keep.settings.crossfade_frames)
    return blended(latents, keep.source, send(weight, latents.device))


class _Loop:
    """The loop's constants, and the velocity of the previous step."""

    def __init__(
        self,
        velocity: Velocity,
        times: Times,
        settings: SamplerSettings,
        step_noise: StepNoise | None,
        should_stop: ShouldStop,
    ) -> None:
        if settings.needs_step_noise and step_noise is None:
            raise ValueError("the SDE needs step_noise")
        self._velocity = velocity
        self._times = times
        self._settings = settings
        self._step_noise = step_noise
        self._should_stop = should_stop
        self._before: Tensor | None = None
        solver = settings.solver
        multistep = solver in (Solver.DPM3M, Solver.STORK4)
        self._history = History(Multistep(solver.value), times) if multistep else None

    def after_step(self, latents: Tensor, step: int) -> Tensor:
        time = self._times[step]
        predicted = self._shaped(latents, time, step, corrector=False)
        if self._settings.method is Method.SDE:
            moved = self._renoised(latents - time * predicted, step)
        else:
            moved = latents + (self._times[step + 1] - time) * self._averaged(latents, predicted, step)
        if self._settings.wavelet is None:
            return moved
        # The clean estimate uses the velocity before Heun's averaging.
        return corrected(moved, latents - time * predicted, time, self._settings.wavelet)

    def injects(self, step: int, repaint: RepaintSettings) -> bool:
        """Whether the surroundings are injected after a step; turbo skips its last step."""
        steps = step_count(self._times)
        last_is_spared = self._settings.sampling is Sampling.TURBO and step == steps - 1
        return step < repaint.injected_steps(steps) and not last_is_spared

    def _shaped(self, latents: Tensor, time: float, step: int, *, corrector: bool) -> Tensor:
        """The network's velocity, limited and averaged with the previous one; stored for the next step."""
        stop_if_asked(self._should_stop)
        raw = self._velocity(latents, time, step, corrector)
        shaped = limited(raw, latents, self._settings.velocity_limit)
        memory = self._settings.velocity_memory
        if memory and self._before is not None:
            shaped = (1 - memory) * shaped + memory * self._before
        self._before = shaped
        return shaped

    def _averaged(self, latents: Tensor, predicted: Tensor, step: int) -> Tensor:
        """Heun's average with the velocity at the next time, a slope by earlier steps, or Euler's prediction."""
        if self._history is not None:
            return self._history.slope(predicted, step)
        if self._settings.solver is Solver.EULER or self._ends_turbo(step):
            return predicted
        time, following = self._times[step], self._times[step + 1]
        ahead = latents + (following - time) * predicted
        average = 0.5 * (predicted + self._shaped(ahead, following, step, corrector=True))
        self._before = average
        return average

    def _renoised(self, clean: Tensor, step: int) -> Tensor:
        if self._ends_turbo(step) or self._step_noise is None:
            return clean
        time = self.ends_at(step)
        noise = send(self._step_noise(step), clean.device).to(clean.dtype)
        return time * noise + (1 - time) * clean

    def ends_at(self, step: int) -> float:
        """The time of the latents after a step.

        The base sampler's SDE ignores the shift here: a quirk of the reference implementation, kept for parity.
        """
        if self._settings.sampling is Sampling.TURBO or self._settings.method is Method.ODE:
            return self._times[step + 1]
        return 1.0 - (step + 1) / step_count(self._times)

    def _ends_turbo(self, step: int) -> bool:
        return self._settings.sampling is Sampling.TURBO and step == step_count(self._times) - 1


def limited(velocity: Tensor, latents: Tensor, limit: float) -> Tensor:
    """The velocity with its norm over time and channels limited to limit * |latents|; limit 0 = unchanged."""
    if limit <= 0:
        return velocity
    longest = limit * torch.linalg.vector_norm(latents, dim=(1, 2), keepdim=True)
    length = torch.linalg.vector_norm(velocity, dim=(1, 2), keepdim=True).clamp_min(1e-10)
    gain: Tensor = (longest / length).clamp_max(1.0)
    return velocity * gain


class NoisePurpose(enum.Enum):
    """The purpose of a noise stream: each purpose of a take has its own stream, so none depends on another."""

    START = "start"
    RETAKE = "retake"
    STEP = "step"
    EDIT = "edit"
    ENCODE = "encode"
    REFERENCE = "reference"
    PLAN = "plan"


def generator(seed: int, take: int, purpose: NoisePurpose, index: int = 0) -> torch.Generator:
    """A generator on the CPU; different for every (seed, take, purpose, index)."""
    name = f"{seed}/{take}/{purpose.value}/{index}".encode()
    number = int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big") >> 1
    return torch.Generator(device="cpu").manual_seed(number)


def noise_like_latents(frames: int, channels: int, source: torch.Generator) -> Tensor:
    """Standard normal float32 [1, T, C] on the CPU."""
    return torch.randn((1, frames, channels), generator=source, dtype=torch.float32)


def varied(noise: Tensor, other: Tensor, variance: float) -> Tensor:
    """Interpolates between two noises on the unit arc, so that the result stays standard normal; 1 = `other`."""
    if not 0 <= variance <= 1:
        raise ValueError(f"variance must be 0..1, not {variance}")
    angle = variance * math.pi / 2
    return math.cos(angle) * noise + math.sin(angle) * other


def from_source(source: Tensor, noise: Tensor, time: float) -> Tensor:
    """Start latents for a render that begins at `time` with its noised source."""
    return time * noise + (1 - time) * source
