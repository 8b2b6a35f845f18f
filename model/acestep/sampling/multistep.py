"""Solvers that use the velocities of earlier steps: one network evaluation a step, as Euler, and a higher order.

From acestep.cpp; the official application has neither. Both begin with a plain Euler step and end with one.
"""

from __future__ import annotations

import enum
from collections import deque

import torch
from torch import Tensor

from model.acestep.sampling.schedules import Times
from model.torch_device import widest

_TOO_STEEP = 5.0  # times the velocity: a derivative that would change it by more in one step is not believed


class Multistep(enum.Enum):
    """The formula."""

    DPM3M = (
        "dpm3m"  # Adams-Bashforth of third order with the coefficients of equal steps, whatever the schedule
    )
    STORK4 = (
        "stork4"  # a Taylor step; its many stages integrate a polynomial that a closed form gives exactly
    )


class History:
    """The velocities of one render's earlier steps, and the slope that follows from them."""

    def __init__(self, formula: Multistep, times: Times) -> None:
        self._formula = formula
        self._times = times
        self._earlier: deque[Tensor] = deque(maxlen=2)  # newest first

    def slope(self, velocity: Tensor, step: int) -> Tensor:
        """What a step moves along, in place of the velocity [B, T, C] at its start. Called once a step, in order."""
        earlier = tuple(self._earlier)
        self._earlier.appendleft(velocity)
        if not earlier or step == len(self._times) - 2:
            return velocity
        if self._formula is Multistep.DPM3M:
            return adams_bashforth(velocity, *earlier)
        sizes = [self._times[step - back - 1] - self._times[step - back] for back in range(len(earlier))]
        return taylor(velocity, earlier, sizes, self._times[step] - self._times[step + 1])


def adams_bashforth(velocity: Tensor, before: Tensor, two_before: Tensor | None = None) -> Tensor:
    """Of second order with one earlier velocity, of third with two."""
    if two_before is None:
        return 1.5 * velocity - 0.5 * before
    return (23 * velocity - 16 * before + 5 * two_before) / 12


def taylor(velocity: Tensor, earlier: tuple[Tensor, ...], sizes: list[float], step: float) -> Tensor:
    """v - step/2 v' + step^2/6 v'', with the derivatives by t from differences; without those that are too steep.

    earlier: velocities, newest first. sizes: of the steps that led from each to the next, newest first.
    step: size of the step to take.
    """
    # Which derivatives are too steep stays on the device: reading it here would wait for the device at every step.
    limit = _TOO_STEEP * _rms(velocity)
    first = (earlier[0] - velocity) / sizes[0]
    first_is_steep = _rms(first) * sizes[0] > limit
    slope = velocity - (step / 2) * first
    if len(earlier) == 2:
        near, far = sizes
        second = (
            2 * (earlier[1] * near - earlier[0] * (near + far) + velocity * far) / (near * far * (near + far))
        )
        second_is_steep = _rms(second) * near * near > limit
        slope = torch.where(second_is_steep, slope, slope + (step * step / 6) * second)
    return torch.where(first_is_steep, velocity, slope)


def _rms(values: Tensor) -> Tensor:
    """Over everything at once, all takes included, as in the reference. To be compared in double precision."""
    return widest(values.square().mean().sqrt())
