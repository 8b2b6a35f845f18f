"""The noise levels of a render and the steps between them: the published scheduler, with seeded noise of torch's own.

Stable Audio Open was measured with `CosineDPMSolverMultistepScheduler`: DPM-Solver++ as a stochastic equation, second
order (C. Lu and others, 2022, arXiv 2211.01095), which tells the network a level as atan(sigma). diffusers has the same
solver in EDM's form, which tells it as log(sigma) / 4; so that is all that differs here. The published class draws its
noise from torchsde's Brownian tree. Between levels that are passed once, that tree's increments are independent normal
numbers, which is what this one draws; so torchsde is not needed, and a seed means the same on every device.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import EDMDPMSolverMultistepScheduler
from torch import Tensor

PUBLISHED_CLASS = "CosineDPMSolverMultistepScheduler"
_PUBLISHED: Mapping[str, Any] = {
    "sigma_min": 0.3, "sigma_max": 500, "sigma_data": 1.0, "sigma_schedule": "exponential", "num_train_timesteps": 1000,
    "solver_order": 2, "prediction_type": "v_prediction", "rho": 7.0, "solver_type": "midpoint",
    "lower_order_final": True, "euler_at_final": False, "final_sigmas_type": "zero",
}  # fmt: skip


class CosineSchedule(EDMDPMSolverMultistepScheduler):  # type: ignore[misc]
    """The published scheduler without its Brownian tree."""

    def precondition_noise(self, sigma: float | Tensor) -> Tensor:
        """Noise levels as the network is told them, 0 to 1."""
        levels = sigma if isinstance(sigma, Tensor) else torch.tensor([sigma])
        return levels.atan() / math.pi * 2


def schedule(fields: Mapping[str, Any], noise: float | None = None) -> CosineSchedule:
    """By the fields of a checkpoint's scheduler_config.json. noise: the first level; None = the checkpoint's.

    A level outside the checkpoint's own becomes the nearest of them that leaves steps to go.
    Raises ValueError for levels that do not fall, and for an order the solver does not have.
    """
    given = {name: fields.get(name, value) for name, value in _PUBLISHED.items()}
    if not 0 < given["sigma_min"] < given["sigma_max"] or given["solver_order"] not in (1, 2):
        raise ValueError(
            f"no schedule of noise from {given['sigma_max']} to {given['sigma_min']}, order {given['solver_order']}"
        )
    if noise is not None:
        given["sigma_max"] = min(max(noise, 1.01 * given["sigma_min"]), given["sigma_max"])
    return CosineSchedule(**given, algorithm_type="sde-dpmsolver++")
