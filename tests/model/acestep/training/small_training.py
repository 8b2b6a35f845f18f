"""Songs and settings for trainings of a moment: two short songs of noise on the tiny checkpoint."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from model.acestep.networks.dit import Dit
from model.acestep.training.prepared_song import TASKS, PreparedSong
from model.acestep.training.trainer import TrainingMaterial
from model.acestep.training.training_settings import TrainingSettings
from model.acestep.weights.checkpoint import open_weights
from model.acestep.weights.model_folders import recognise
from tests.model.acestep.tiny_models import TURBO, networks, silence

WIDTH = 64  # of the tiny condition encoder

SMALL = TrainingSettings(
    rank=4, alpha=8.0, crop_frames=24, steps=6, accumulation=2, warmup=2, learning_rate=2e-3, check_every=3,
    keep_every=2, checkpointing=False,
)  # fmt: skip


def small(**changed: Any) -> TrainingSettings:
    return replace(SMALL, **changed)


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@cache
def song(number: int, frames: int = 40) -> PreparedSong:
    states = {task: drawn(50 + number + index, 9, WIDTH) for index, task in enumerate(TASKS)}
    return PreparedSong(
        f"song {number}", f"digest {number}", f"key {number}",
        drawn(number, frames, 64), drawn(10 + number, frames, 64).abs() * 0.1, states,
    )  # fmt: skip


def material(*songs: PreparedSong) -> TrainingMaterial:
    nothing = networks(TURBO).conditions.no_condition.detach()
    return TrainingMaterial(songs or (song(1), song(2)), silence(), nothing, "tiny")


def fresh_dit(layers: int = 4) -> Dit:
    """A transformer of its own, since training changes it; with fewer layers than the stored one it is quicker."""
    dit = open_weights(recognise(TURBO)).load_dit(torch.float32, "cpu")
    del dit.layers[layers:]
    dit.config = replace(dit.config, sliding=dit.config.sliding[:layers])
    return dit
