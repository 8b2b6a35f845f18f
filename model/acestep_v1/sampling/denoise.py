"""From noise to latents: the loops of the tasks. x_t = t noise + (1 - t) data, all of them float32 [B, 8, 16, T].

A loop knows no network: a `Velocity` has it, with its conditions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from model.acestep_v1.sampling.schedules import LOWEST, Schedule, bent, euler
from model.acestep_v1.sampling.steps import HeunSteps, SongSolver, moved, omega_factor, renoised
from model.engine import ShouldStop, stop_if_asked

Velocity = Callable[[Tensor, float, int], Tensor]
"""The velocity at latents, time (0..1000) and index of the evaluation."""

OnStep = Callable[[int, int], None]
"""Called with evaluations done and in all, before each and at the end."""

StepNoise = Callable[[int], Tensor]


def _quiet(_done: int, _all: int) -> None: ...


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Watch:
    """Progress and cancellation of a loop."""

    on_step: OnStep = _quiet
    should_stop: ShouldStop = _never

    def at(self, done: int, evaluations: int) -> None:
        """Raises RenderStopped."""
        stop_if_asked(self.should_stop)
        self.on_step(done, evaluations)


UNWATCHED = Watch()


def generated(
    velocity: Velocity,
    start: Tensor,
    schedule: Schedule,
    solver: SongSolver = SongSolver.EULER,
    omega: float = 10.0,
    step_noise: StepNoise | None = None,
    watch: Watch = UNWATCHED,
) -> Tensor:
    """The latents that `start` becomes. step_noise: of each step, for ping-pong. Raises RenderStopped."""
    factor = omega_factor(omega)
    heun = HeunSteps(factor)
    x = start
    for index, time in enumerate(schedule.times):
        watch.at(index, schedule.evaluations)
        level, following = schedule.levels[index : index + 2]
        v = velocity(x, time, index)
        if solver is SongSolver.EULER:
            x = moved(x, v, level, following, factor)
        elif solver is SongSolver.HEUN:
            x = heun.moved(x, v, level, following)
        else:
            assert step_noise is not None, "ping-pong needs fresh noise for every step"
            x = renoised(x, v, level, following, step_noise(index))
    watch.at(schedule.evaluations, schedule.evaluations)
    return x


def varied(noise: Tensor, other: Tensor, variance: float) -> Tensor:
    """Noise turned towards another by 0..1 of a quarter circle."""
    angle = variance * math.pi / 2
    return math.cos(angle) * noise + math.sin(angle) * other


@dataclass(frozen=True)
class Region:
    """What is made anew in a source. source: latents; mask: bool [T], true where new; noise: the same shape as source.

    variance: how far the region may go from the source, 0..1: the share of the steps that are taken.
    """

    source: Tensor
    mask: Tensor
    noise: Tensor
    variance: float


def repainted(
    velocity: Velocity, region: Region, schedule: Schedule, steps: int, watch: Watch = UNWATCHED
) -> Tensor:
    """The source with its region made anew; outside it is exactly the source. Raises RenderStopped.

    With a variance too small for a single step the source comes back (the published code gives noise).
    """
    first = int(steps * (1 - region.variance))
    count = schedule.evaluations
    if first >= count:
        return region.source
    x = _noised(region.source, region.noise, schedule.levels[first])
    for index in range(first, count):
        watch.at(index - first, count - first)
        level, following = schedule.levels[index : index + 2]
        x = moved(x, velocity(x, schedule.times[index], index), level, following)
        x = torch.where(region.mask, x, _noised(region.source, region.noise, following))
    watch.at(count - first, count - first)
    return x


def _noised(source: Tensor, noise: Tensor, level: float) -> Tensor:
    return (1 - level) * source + level * noise


@dataclass(frozen=True)
class CoverStart:
    """Where a cover begins: the schedule of its steps and the noise that is mixed into the song, 0..1."""

    schedule: Schedule
    level: float

    def latents(self, song: Tensor, noise: Tensor) -> Tensor:
        return _noised(song, noise, self.level)


def cover_start(strength: float, steps: int, matched: bool = False) -> CoverStart:
    """The start of a cover. strength: how much of the song is kept, 0 = nothing.

    matched: mixes in as much noise as the first step expects. The published code mixes in less, which its users hear as
    loud and distorted at times. At least one step is taken.
    """
    level = bent(1 - strength)
    highest = max(level, LOWEST)
    schedule = euler(max(1, int((1 - strength) * steps)), highest)
    return CoverStart(schedule, schedule.levels[0] if matched else level)
