"""Reads the stored reference numbers in tests/golden/acestep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

FOLDER = Path(__file__).parents[2] / "golden" / "acestep"


def tensors(name: str) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file  # here, so that tables can be read where there is no torch

    return load_file(FOLDER / f"{name}.safetensors")


def table(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def worst(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Largest absolute difference; the shapes must agree."""
    assert ours.shape == theirs.shape
    return float((ours - theirs).abs().max())
