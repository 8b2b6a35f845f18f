"""Flow-edit: changes what a song says or how it is described, and keeps the song.

The latents move by the difference of two velocities, of the song as it is wanted and of the song as it is, both at the
same noise. Nothing is inverted. The loop is the official application's, and so are its limits: Euler steps, no wavelet
correction, no injection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from model.acestep.sampling.samplers import OnStep, SamplerSettings, limited
from model.acestep.sampling.schedules import Times, step_count
from model.engine import ShouldStop, stop_if_asked
from model.torch_device import send


@dataclass(frozen=True)
class FlowEdit:
    """start, end: the steps that change the song, as fractions of all steps. draws: noises averaged in each step.

    The steps before `start` are left out, which keeps the song's large form; those after `end` sample freely.
    """

    start: float = 0.0
    end: float = 1.0
    draws: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end <= 1:
            raise ValueError(f"start and end must rise within 0..1, not {self.start}..{self.end}")
        if self.draws < 1:
            raise ValueError(f"draws must be at least 1, not {self.draws}")

    def window(self, steps: int) -> tuple[int, int]:
        """The half-open steps that change the song."""
        return int(steps * self.start), int(steps * self.end)


class SideVelocity(Protocol):
    """The network with the words of one side, the song as it is or as it is wanted."""

    def __call__(self, latents: Tensor, time: float) -> Tensor:
        """The guided velocity of one draw, [B, T, C]."""
        ...

    def end_step(self) -> None:
        """All draws of the step are there: guidance that looks back moves on."""
        ...


class _Side:
    """One side's velocity over the steps: its limit in every draw, its memory once a step."""

    def __init__(self, velocity: SideVelocity, settings: SamplerSettings, should_stop: ShouldStop) -> None:
        self._velocity = velocity
        self._settings = settings
        self._should_stop = should_stop
        self._before: Tensor | None = None

    def drawn(self, latents: Tensor, time: float) -> Tensor:
        stop_if_asked(self._should_stop)
        return limited(self._velocity(latents, time), latents, self._settings.velocity_limit)

    def step(self, draws: list[Tensor]) -> Tensor:
        """The step's velocity, from those of its draws."""
        self._velocity.end_step()
        mean = torch.stack(draws).mean(dim=0) if len(draws) > 1 else draws[0]
        memory = self._settings.velocity_memory
        if memory and self._before is not None:
            mean = (1 - memory) * mean + memory * self._before
        self._before = mean
        return mean


def edited(
    as_it_is: SideVelocity,
    as_wanted: SideVelocity,
    song: Tensor,
    noise: Callable[[int], Tensor],
    times: Times,
    settings: SamplerSettings,
    edit: FlowEdit,
    on_step: OnStep = lambda _done, _steps: None,
    should_stop: ShouldStop = lambda: False,
) -> Tensor:
    """Latents [B, T, C] of the changed song.

    song: its latents [B, T, C]. noise: fresh noise of that shape by number, from 0 in the order it is used. settings:
    only velocity_limit and velocity_memory count. Raises RenderStopped.
    """
    steps = step_count(times)
    first, end = edit.window(steps)
    before, after = (_Side(side, settings, should_stop) for side in (as_it_is, as_wanted))
    latents, used = song, 0
    for step in range(first, end):
        time, ends = times[step], times[step + 1]
        of_song, of_wish = [], []
        for _ in range(edit.draws):
            noised = _noised(song, send(noise(used), song.device).to(song), time)
            used += 1
            of_song.append(before.drawn(noised, time))
            of_wish.append(after.drawn(latents + noised - song, time))
        latents = latents + (ends - time) * (after.step(of_wish) - before.step(of_song))
        on_step(step + 1, steps)
    if end == steps or first == steps:
        return latents
    latents = latents + _noised(song, send(noise(used), song.device).to(song), times[end]) - song
    for step in range(end, steps):
        time, ends = times[step], times[step + 1]
        latents = latents + (ends - time) * after.step([after.drawn(latents, time)])
        on_step(step + 1, steps)
    return latents


def _noised(song: Tensor, noise: Tensor, time: float) -> Tensor:
    return (1 - time) * song + time * noise
