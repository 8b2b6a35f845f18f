"""An edited song's denoising: two sides with the same context, the song as it is and as it is wanted.

The phases before and after it are those of every render (pipeline.py).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from model.acestep.networks.dit import Condition, Dit, DitPlan
from model.acestep.pipeline import Conditions, Scene
from model.acestep.sampling.flow_edit import FlowEdit, edited
from model.acestep.sampling.guidance import GuidanceKind, Guide
from model.acestep.sampling.render_settings import RenderSettings
from model.acestep.sampling.samplers import NoisePurpose, OnStep, generator, noise_like_latents
from model.acestep.sampling.schedules import step_count
from model.engine import ShouldStop


def seeded_edit_noises(
    seed: int, takes: tuple[int, ...], frames: int, channels: int, settings: RenderSettings
) -> tuple[Tensor, ...]:
    """The noises of an edit, each [B, T, 64], in the order they are used; every take has its own."""
    assert settings.edit is not None, "the render is an edit"
    count = settings.edit.noises(step_count(settings.times))
    return tuple(
        torch.cat(
            [
                noise_like_latents(frames, channels, generator(seed, take, NoisePurpose.EDIT, index))
                for take in takes
            ]
        )
        for index in range(count)
    )


def compose_edit(
    dit: Dit,
    scene: Scene,
    as_it_is: Conditions,
    as_wanted: Conditions,
    settings: RenderSettings,
    noises: tuple[Tensor, ...],
    on_step: OnStep = lambda _done, _steps: None,
    should_stop: ShouldStop = lambda: False,
) -> Tensor:
    """Latents [B, T, 64] of the edited song. The two sides are computed one by one: padding would be heard.

    Raises RenderStopped.
    """
    edit: FlowEdit | None = settings.edit
    assert edit is not None, "the render is an edit"
    place = dit.patchify.weight.device
    takes = noises[0].shape[0] if noises else 1
    song = scene.source.to(place).float().expand(takes, -1, -1)
    with torch.no_grad():
        return edited(
            _Side(dit, scene, as_it_is, settings),
            _Side(dit, scene, as_wanted, settings),
            song,
            noises.__getitem__,
            settings.times,
            settings.sampler,
            edit,
            on_step,
            should_stop,
        )


class _Side:
    """The transformer with one side's words, as a `SideVelocity`. Guided by APG, as officially, or by plain CFG."""

    def __init__(self, dit: Dit, scene: Scene, words: Conditions, settings: RenderSettings) -> None:
        self._dit = dit
        guidance = settings.guidance
        if guidance.kind is GuidanceKind.ADG:
            guidance = replace(guidance, kind=GuidanceKind.APG)
        self._guide = Guide(guidance)
        self._plan: DitPlan = dit.plan(scene.context.shape[1])
        self._context = self._ready(scene.context)
        self._prompt = dit.condition(self._ready(words.prompt))
        self._nothing = dit.condition(self._ready(words.nothing)) if guidance.scale > 1 else None

    def __call__(self, latents: Tensor, time: float) -> Tensor:
        cond = self._velocity(latents, time, self._prompt)
        if self._nothing is None or not self._guide.settings.active(time):
            return cond
        return self._guide.draw(cond, self._velocity(latents, time, self._nothing), latents, time)

    def end_step(self) -> None:
        self._guide.end_step()

    def _velocity(self, latents: Tensor, time: float, condition: Condition) -> Tensor:
        at = torch.tensor([time], device=latents.device)  # times stay float32, whatever the weights' dtype
        velocity: Tensor = self._dit(self._ready(latents), self._context, at, condition, self._plan)
        return velocity.float()

    def _ready(self, values: Tensor) -> Tensor:
        return values.to(self._dit.patchify.weight)
