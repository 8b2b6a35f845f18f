"""Writes tests/golden/stable_audio_steps.json: what the published scheduler makes of a small network and given noise.

pip install torchsde    # which the published one needs, and Takebridge does not
python -m tests.model.stable_audio.published_steps
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tests.places import GOLDEN

FILE = GOLDEN / "stable_audio_steps.json"
CASES: dict[str, tuple[int, dict[str, Any]]] = {
    "as published": (100, {}),
    "few steps": (12, {}),
    "from a little noise": (20, {"sigma_max": 8.0}),
    "heun": (20, {"solver_type": "heun"}),
    "karras": (20, {"sigma_schedule": "karras"}),
}


def latents_by(scheduler: Any, steps: int, step: Callable[[Tensor, Tensor, Tensor], Tensor]) -> list[float]:
    """The last latents. step: of the scheduler: network's output, timestep, latents -> latents."""
    scheduler.set_timesteps(steps)
    latents = torch.linspace(-2, 2, 12).view(1, 3, 4) * scheduler.init_noise_sigma
    for time in scheduler.timesteps:
        heard = scheduler.scale_model_input(latents, time)
        latents = step(torch.tanh(1.3 * heard + time) - 0.2 * heard, time, latents)
    return [float(value) for value in latents.flatten()]


def noise() -> torch.Generator:
    """What all noise is drawn with."""
    return torch.Generator().manual_seed(5)


def main() -> None:
    from diffusers import CosineDPMSolverMultistepScheduler

    found = {}
    for name, (steps, fields) in CASES.items():
        scheduler, source = CosineDPMSolverMultistepScheduler(**fields), noise()

        def step(output: Tensor, time: Tensor, latents: Tensor) -> Tensor:
            scheduler.noise_sampler = lambda *_: torch.randn(latents.shape, generator=source)  # noqa: B023
            return scheduler.step(output, time, latents).prev_sample  # noqa: B023

        found[name] = latents_by(scheduler, steps, step)
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
