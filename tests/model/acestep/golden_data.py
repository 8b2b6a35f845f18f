"""Reads the stored reference numbers in tests/golden/acestep."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.places import ACESTEP_GOLDEN

if TYPE_CHECKING:
    import torch


def tensors(name: str) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file  # here, so that tables can be read where there is no torch

    return load_file(ACESTEP_GOLDEN / f"{name}.safetensors")


def table(name: str) -> Any:
    return json.loads((ACESTEP_GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def worst(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Largest absolute difference; the shapes must agree."""
    assert ours.shape == theirs.shape
    return float((ours - theirs).abs().max())
