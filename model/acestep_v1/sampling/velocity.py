"""The guided velocity: the network under a condition, without it, and how both are combined, step by step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model.acestep_v1.networks.condition_network import ConditionStates
from model.acestep_v1.networks.transformer import ReadyCondition, SongTransformer
from model.acestep_v1.sampling.guidance import Guidance, Momentum, combined, orthogonal, separately

TAU = 0.01
"""Multiplies queries in a pass that shall see less of its condition."""


@dataclass(frozen=True)
class RenderConditions:
    """What the render follows. null: what guidance leads away from; text: the prompt without its lyrics, if needed."""

    prompt: ConditionStates
    null: ConditionStates
    text: ConditionStates | None = None


class Network:
    """The transformer with one set of conditions, ready for many steps over windows of one length."""

    def __init__(self, transformer: SongTransformer, frames: int) -> None:
        self._transformer = transformer
        self._rotary = transformer.rotary(frames)
        self._weight = transformer.final_layer.linear.weight

    def ready(self, states: ConditionStates) -> ReadyCondition:
        """A condition's keys and values in every block."""
        mask = states.mask.to(self._weight.device)
        return self._transformer.prepare(states.states.to(self._weight), mask)

    def velocity(self, x: Tensor, time: float, condition: ReadyCondition, tau: float = 1.0) -> Tensor:
        """float32, on the device of the latents x."""
        at = torch.full((len(x),), time, dtype=torch.float32, device=self._weight.device)
        found: Tensor = self._transformer(x.to(self._weight), at, condition, self._rotary, tau)
        return found.float().to(x.device)


class GuidedVelocity:
    """The velocity of each evaluation of a render. steps: of the schedule, for the window that has guidance."""

    def __init__(
        self,
        network: Network,
        conditions: RenderConditions,
        guidance: Guidance,
        steps: int,
        weakened: bool = True,
    ) -> None:
        """weakened: whether the network without condition also sees less of what is left of it."""
        self._network = network
        self._guidance = guidance
        self._steps = steps
        self._tau = TAU if weakened else 1.0
        self._momentum = Momentum()
        self._prompt = network.ready(conditions.prompt)
        guided = bool(guidance.window(steps))
        self._null = network.ready(conditions.null) if guided else None
        self._text = network.ready(conditions.text) if guided and conditions.text is not None else None

    def __call__(self, x: Tensor, time: float, index: int) -> Tensor:
        """The velocity at `time` (0..1000) in the evaluation `index`."""
        cond = self._network.velocity(x, time, self._prompt)
        if self._null is None or index not in self._guidance.window(self._steps):
            return cond
        text = self._network.velocity(x, time, self._text) if self._text is not None else None
        null = self._network.velocity(x, time, self._null, self._tau)
        if text is not None:
            return separately(cond, text, null, self._guidance.text, self._guidance.lyrics)
        scale = self._guidance.at(index, self._steps)
        return combined(cond, null, scale, self._guidance.formula, index, self._momentum)

    @property
    def evaluations(self) -> int:
        """How many passes through the network there are in a step with guidance."""
        return 1 + (self._null is not None) + (self._text is not None)


class EditVelocity:
    """The velocity of one side of an edit: guided in every step, with or without memory of the earlier ones."""

    def __init__(self, network: Network, conditions: RenderConditions, scale: float) -> None:
        self._network = network
        self._scale = scale
        self._momentum = Momentum()
        self._prompt = network.ready(conditions.prompt)
        self._null = network.ready(conditions.null) if scale not in (0.0, 1.0) else None

    def __call__(self, x: Tensor, time: float, remembers: bool) -> Tensor:
        cond = self._network.velocity(x, time, self._prompt)
        if self._null is None:
            return cond
        null = self._network.velocity(x, time, self._null)
        return orthogonal(cond, null, self._scale, self._momentum if remembers else None)
