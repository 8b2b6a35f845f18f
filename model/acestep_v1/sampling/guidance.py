"""Guidance for latents [B, 8, 16, T]: which steps have it, how strong it is, and how the velocities are combined.

The formula of projected guidance is that of model/acestep/sampling/guidance.py (arXiv 2410.02416), with norms over mel
bands and time together.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from torch import Tensor

from model.acestep.sampling.guidance import plain, projected, running_difference


class Formula(enum.Enum):
    """How two velocities become one."""

    APG = "apg"  # only the part of the difference orthogonal to the conditional velocity
    CFG = "cfg"  # plain extrapolation
    CFG_STAR = "cfg_star"  # plain, after fitting the unconditional velocity to the conditional one


@dataclass(frozen=True)
class Guidance:
    """scale: 1 or 0 = off. interval: the middle share of the steps that has guidance, 0..1.

    decay: how far the scale falls towards `least` over that share, 0 = not at all.
    text, lyrics: scales of prompt and lyrics by themselves; both above 1 replace the formula.
    """

    scale: float = 15.0
    formula: Formula = Formula.APG
    interval: float = 0.5
    decay: float = 0.0
    least: float = 3.0
    text: float = 0.0
    lyrics: float = 0.0

    @property
    def separate(self) -> bool:
        """Whether prompt and lyrics are guided each by its own scale."""
        return self.text > 1 and self.lyrics > 1

    def window(self, steps: int) -> range:
        """The steps with guidance, counted from 0; empty if it is off."""
        if self.scale in (0.0, 1.0):
            return range(0)
        return range(int(steps * (1 - self.interval) / 2), int(steps * (self.interval / 2 + 0.5)))

    def at(self, step: int, steps: int) -> float:
        """The scale of a step within the window."""
        window = self.window(steps)
        if not self.decay or len(window) < 2:  # the published code divides by zero for a single step
            return self.scale
        done = (step - window.start) / (len(window) - 1)
        return self.scale - (self.scale - self.least) * self.decay * done


class Momentum:
    """The running difference of projected guidance: one for each series of steps."""

    def __init__(self) -> None:
        self._before: Tensor | None = None

    def add(self, cond: Tensor, null: Tensor) -> Tensor:
        """The difference of two velocities with the earlier ones."""
        self._before = running_difference(cond, null, self._before)
        return self._before


def orthogonal(cond: Tensor, null: Tensor, scale: float, momentum: Momentum | None = None) -> Tensor:
    """APG. momentum: None = of this step only."""
    difference = cond - null if momentum is None else momentum.add(cond, null)
    flat = projected(_flat(cond), _flat(difference), scale)
    return flat.transpose(1, 2).reshape(cond.shape)


def _flat(velocity: Tensor) -> Tensor:
    """[B, 8, 16, T] -> [B, 16 T, 8], the axes that the shared formula has."""
    return velocity.flatten(2).transpose(1, 2)


def combined(
    cond: Tensor, null: Tensor, scale: float, formula: Formula, step: int, momentum: Momentum
) -> Tensor:
    """The guided velocity of a step."""
    if formula is Formula.APG:
        return orthogonal(cond, null, scale, momentum)
    if formula is Formula.CFG:
        return plain(cond, null, scale)
    if step <= 1:
        return cond * 0
    axes = (1, 2, 3)
    share = (cond * null).sum(axes, keepdim=True) / (null.square().sum(axes, keepdim=True) + 1e-8)
    return plain(cond, share * null, scale)


def separately(cond: Tensor, text_only: Tensor, null: Tensor, text: float, lyrics: float) -> Tensor:
    """Prompt and lyrics, each with its own scale."""
    return (1 - text) * null + (text - lyrics) * text_only + lyrics * cond
