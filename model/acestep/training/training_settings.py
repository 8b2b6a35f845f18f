"""How an adapter is trained: its kind and size, the examples it sees, the optimiser, and when training ends.

The numbers are those of the official trainers (LoRA on the attention projections, AdamW, a cosine after a warm-up,
gradients limited to 1), except where a comment says why not. Presets are by the device's memory.
"""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from model.acestep.latent_grid import FRAMES_PER_SECOND

MAX_COUNT = 10**9
"""Of steps, frames, ranks: far beyond any use, and within what tensors can count."""
MAX_SEED = 2**63 - 1


class AdapterKind(enum.Enum):
    """How a change of a weight is factored."""

    LORA = "lora"  # two thin matrices
    LOKR = "lokr"  # a Kronecker product: fewer numbers for the same rank


class OptimiserKind(enum.Enum):
    """What turns gradients into steps."""

    ADAMW = "adamw"
    ADAFACTOR = "adafactor"  # keeps a row and a column instead of two numbers for every weight


@dataclass(frozen=True)
class TrainingSettings:
    """rank, alpha: the change is scaled by alpha / rank. dropout: of the adapter's input.

    crop_frames: latent frames of an example, at most; a shorter song is one example.
    region_share: share of examples that are a repaint, with silence in a region; the others are whole.
    condition_dropout: share of examples without prompt, which guidance needs.
    steps: of the optimiser; each sees `accumulation` examples.
    check_every, patience: after so many steps the loss on fixed examples is measured, and after so many measurements
        without a better one training ends. keep_every: steps between two states on the disk.
    """

    kind: AdapterKind = AdapterKind.LORA
    rank: int = 64
    alpha: float = 128.0
    dropout: float = 0.1
    crop_frames: int = 60 * FRAMES_PER_SECOND
    region_share: float = 0.3
    condition_dropout: float = 0.15
    steps: int = 2000
    accumulation: int = 4
    optimiser: OptimiserKind = OptimiserKind.ADAMW
    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    warmup: int = 100
    gradient_limit: float = 1.0
    checkpointing: bool = True
    check_every: int = 50
    patience: int = 8
    keep_every: int = 25
    seed: int = 42

    def __post_init__(self) -> None:
        for name in ("rank", "crop_frames", "steps", "accumulation", "check_every", "patience", "keep_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")
            if getattr(self, name) > MAX_COUNT:
                raise ValueError(f"{name} must be {MAX_COUNT} or less, not {getattr(self, name)}")
        for name in ("warmup", "weight_decay"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 or more, not {getattr(self, name)}")
        if not 0 <= self.seed <= MAX_SEED:
            raise ValueError(f"seed must be from 0 to {MAX_SEED}, not {self.seed}")
        for name in ("dropout", "region_share", "condition_dropout"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1, not {getattr(self, name)}")
        for name in ("alpha", "learning_rate", "gradient_limit"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")
        if self.dropout == 1:
            raise ValueError("dropout must be below 1, not 1: nothing would be left to train")

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, counted from 0: rises from a tenth, then falls along a cosine to a hundredth."""
        warmup = min(self.warmup, self.steps // 10)
        if step < warmup:
            return self.learning_rate * (0.1 + 0.9 * step / warmup)
        done = (step - warmup) / max(1, self.steps - warmup)
        return self.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * min(1.0, done))) / 2)

    def as_json(self) -> str:
        """For `settings_from_json`, and to compare two runs by."""
        fields = {
            name: value.value if isinstance(value, enum.Enum) else value
            for name, value in asdict(self).items()
        }
        return json.dumps(fields, sort_keys=True)


def settings_from_json(text: str) -> TrainingSettings:
    """What `as_json` wrote. Raises ValueError for anything else."""
    try:
        fields: dict[str, Any] = dict(json.loads(text))
        fields["kind"] = AdapterKind(fields["kind"])
        fields["optimiser"] = OptimiserKind(fields["optimiser"])
        return TrainingSettings(**fields)
    except (KeyError, TypeError) as wrong:
        raise ValueError(f"not the settings of a training: {wrong}") from wrong


_BASE = TrainingSettings()

PRESETS: Mapping[int, TrainingSettings] = {
    8: replace(
        _BASE,
        rank=16,
        alpha=32.0,
        crop_frames=30 * FRAMES_PER_SECOND,
        accumulation=8,
        optimiser=OptimiserKind.ADAFACTOR,
    ),
    12: replace(_BASE, rank=32, alpha=64.0),
    16: replace(_BASE, crop_frames=90 * FRAMES_PER_SECOND),
    24: replace(_BASE, rank=128, alpha=256.0, crop_frames=120 * FRAMES_PER_SECOND),
}
"""By the device's memory in GB: the settings for that much or more."""


def preset_for(gigabytes: float) -> TrainingSettings:
    """The largest preset that fits; the smallest where none does."""
    fitting = [size for size in PRESETS if size <= gigabytes]
    return PRESETS[max(fitting) if fitting else min(PRESETS)]
