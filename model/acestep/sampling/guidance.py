"""Guidance: combines the conditional and unconditional velocities.

Only for base and sft checkpoints; the turbo checkpoints were distilled with it. APG is the default of the reference
implementation (adaptive projected guidance, arXiv 2410.02416), ADG its angle-based variant, CFG the plain formula.
Angles and projections are computed in double precision: float32 rounding errors, divided by small times, would show.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import torch
from torch import Tensor

from model.torch_device import widest

_MOMENTUM = -0.75  # weight of the running difference (APG)
_NORM_LIMIT = 2.5  # maximum norm of the difference, per channel over time (APG)
_ADG_EXTRA_WEIGHT = 1e-3
_ADG_MAX_ANGLE = 3.14 / 6  # 3.14, not pi, as in the reference implementation
_ADG_MAX_COSINE = 1 - 1e-6
_ADG_MIN_SINE = 1e-3


class GuidanceKind(enum.Enum):
    """The formula that combines the two velocities."""

    APG = "apg"  # amplifies only the part orthogonal to the conditional velocity
    ADG = "adg"  # rotates the predicted clean latents by a limited angle
    CFG = "cfg"  # plain extrapolation


@dataclass(frozen=True)
class GuidanceSettings:
    """scale: 1 = off. Active where interval_start <= t <= interval_end (t = 1 is noise)."""

    scale: float = 1.0
    kind: GuidanceKind = GuidanceKind.APG
    interval_start: float = 0.0
    interval_end: float = 1.0

    def __post_init__(self) -> None:
        if not 1.0 <= self.scale <= 30.0:
            raise ValueError(f"guidance scale must be 1..30, not {self.scale}")
        if not 0.0 <= self.interval_start <= self.interval_end <= 1.0:
            raise ValueError(
                f"guidance interval must be within 0..1, not {self.interval_start}..{self.interval_end}"
            )

    def active(self, time: float) -> bool:
        """Whether the unconditional velocity is needed at this time."""
        return self.scale > 1.0 and self.interval_start <= time <= self.interval_end


class Guide:
    """Combines the velocities of one render; APG keeps a running difference over earlier steps.

    One object per render: `predict` updates the running difference, once per step.
    """

    def __init__(self, settings: GuidanceSettings) -> None:
        self.settings = settings
        self._running: Tensor | None = None
        self._drawn: list[Tensor] = []  # the differences of this step's draws

    def predict(self, cond: Tensor, null: Tensor, latents: Tensor, time: float) -> Tensor:
        """The guided velocity [B, T, C] of a step; the velocities were predicted at `latents`."""
        scale = self.settings.scale
        if self.settings.kind is GuidanceKind.CFG:
            return plain(cond, null, scale)
        if self.settings.kind is GuidanceKind.ADG:
            return angle_based(cond, null, latents, time, scale)
        self._running = running_difference(cond, null, self._running)
        return projected(cond, self._running, scale)

    def draw(self, cond: Tensor, null: Tensor, latents: Tensor, time: float) -> Tensor:
        """The guided velocity of one of several draws of a step, each from the running difference before the step."""
        before = self._running
        self._drawn.append(cond - null)
        guided = self.predict(cond, null, latents, time)
        self._running = before
        return guided

    def end_step(self) -> None:
        """After the draws of a step: the running difference moves on once, by their mean; unguided steps leave it."""
        if self._drawn:
            mean = torch.stack(self._drawn).mean(dim=0) if len(self._drawn) > 1 else self._drawn[0]
            self._running = mean if self._running is None else mean + _MOMENTUM * self._running
        self._drawn.clear()

    def correct(self, cond: Tensor, null: Tensor, latents: Tensor, time: float) -> Tensor:
        """For Heun's corrector: plain guidance, so that APG's running difference updates once per step.

        ADG, which has none, stays angle-based, except where it has no angle (at 0) or is not active.
        """
        if self.settings.kind is GuidanceKind.ADG and time > 0 and self.settings.active(time):
            return angle_based(cond, null, latents, time, self.settings.scale)
        return plain(cond, null, self.settings.scale)

    def needs_null(self, time: float, corrector: bool) -> bool:
        """Whether a velocity depends on the unconditional one. ADG's corrector is guided at every time."""
        always = corrector and self.settings.kind is GuidanceKind.ADG and self.settings.scale > 1
        return always or self.settings.active(time)


def plain(cond: Tensor, null: Tensor, scale: float) -> Tensor:
    """null + scale (cond - null)."""
    return null + scale * (cond - null)


def running_difference(cond: Tensor, null: Tensor, before: Tensor | None) -> Tensor:
    """The difference of the two velocities plus the weighted earlier ones (APG's negative momentum)."""
    difference = cond - null
    return difference if before is None else difference + _MOMENTUM * before


def projected(cond: Tensor, difference: Tensor, scale: float, eta: float = 0.0) -> Tensor:
    """APG: adds the part of `difference` orthogonal to `cond`, and eta times the parallel part.

    Norms and projections are over time for every channel ([B, T, C], axis 1), in double precision.
    """
    length = difference.norm(dim=1, keepdim=True)  # [B, 1, C]
    limited = difference * (_NORM_LIMIT / length.clamp_min(1e-12)).clamp_max(1.0)
    wide, direction = widest(limited), torch.nn.functional.normalize(widest(cond), dim=1)
    parallel = (wide * direction).sum(dim=1, keepdim=True) * direction
    return cond + (scale - 1) * (wide - parallel + eta * parallel).to(cond.dtype)


def angle_based(cond: Tensor, null: Tensor, latents: Tensor, time: float, scale: float) -> Tensor:
    """ADG: rotates the predicted clean latents away from the unconditional ones, by at most 30 degrees.

    Angles are between the channel vectors of each frame ([B, T, C], axis 2).
    """
    wide = widest(latents)
    clean_cond, clean_null = wide - time * widest(cond), wide - time * widest(null)
    angle = _angle(clean_cond, clean_null)  # [B, T, 1]
    weight = (scale - 1) + _ADG_EXTRA_WEIGHT
    turned = (weight * angle).clamp(-_ADG_MAX_ANGLE, _ADG_MAX_ANGLE)
    away = _orthogonal(clean_cond - clean_null, clean_null)
    sine = angle.sin()
    gain = torch.where(sine > _ADG_MIN_SINE, turned.sin() / sine.clamp_min(_ADG_MIN_SINE), weight)
    return ((wide - (turned.cos() * clean_cond + gain * away)) / time).to(cond.dtype)


def _angle(left: Tensor, right: Tensor) -> Tensor:
    unit_left = torch.nn.functional.normalize(left, dim=2)
    unit_right = torch.nn.functional.normalize(right, dim=2)
    cosine = (unit_left * unit_right).sum(dim=2, keepdim=True)
    return cosine.clamp(-_ADG_MAX_COSINE, _ADG_MAX_COSINE).acos()


def _orthogonal(vector: Tensor, axis: Tensor) -> Tensor:
    """The part of `vector` orthogonal to `axis`, per frame."""
    unit = torch.nn.functional.normalize(axis, dim=2)
    return vector - (vector * unit).sum(dim=2, keepdim=True) * unit
