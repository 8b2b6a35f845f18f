"""One step of each solver. x: latents; v: velocity, both [B, 8, 16, T]; levels as in schedules.py."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field

from torch import Tensor

OMEGA = 10.0


class SongSolver(enum.Enum):
    """How a velocity moves the latents."""

    EULER = "euler"
    HEUN = "heun"  # averages the velocities at both ends; twice the work
    PINGPONG = "pingpong"  # fresh noise at every step


def omega_factor(omega: float) -> float:
    """How much every step's deviation from its mean is enlarged: 0.9..1.1; 1 for omega 0."""
    return 0.9 + 0.2 / (1 + math.exp(-0.1 * omega))


def moved(x: Tensor, v: Tensor, level: float, following: float, factor: float = 1.0) -> Tensor:
    """An Euler step. The mean is over everything, items of a batch included: takes are rendered one by one."""
    change = (following - level) * v
    if factor == 1.0:
        return x + change
    mean = change.mean()
    return x + (change - mean) * factor + mean


def renoised(x: Tensor, v: Tensor, level: float, following: float, noise: Tensor) -> Tensor:
    """A ping-pong step: to the clean estimate and back up to the next level."""
    return (1 - following) * (x - level * v) + following * noise


@dataclass
class HeunSteps:
    """Heun's method over a schedule that visits every level twice: predict, then correct, then predict again."""

    factor: float = 1.0
    _before: tuple[Tensor, Tensor, float] | None = field(default=None, repr=False)

    def moved(self, x: Tensor, v: Tensor, level: float, following: float) -> Tensor:
        """The latents after one evaluation."""
        if self._before is None:
            self._before = (x, v, level)
            return moved(x, v, level, following, self.factor)
        start, first, began = self._before
        self._before = None
        return moved(start, (first + v) / 2, began, level, self.factor)
