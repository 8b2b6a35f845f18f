"""Checkpoints by the names that producers give: one that is there but cannot be used is told as such."""

from __future__ import annotations

from pathlib import Path

from model.acestep.weights.model_folders import sorted_out
from model.errors import NotLoaded

_FAMILY = "acestep-v15-"  # optional when naming a checkpoint


def refuse_unusable(path: Path, name: str) -> None:
    """Raises NotLoaded if a checkpoint of this name is there (see `find_models`) but damaged or incomplete."""
    found, damaged = sorted_out(path)
    lacking = {model.name: missing for model in found if (missing := model.what_is_missing()) is not None}
    for each, error in damaged.items():
        if is_called(each, name):
            raise error
    for each, missing in lacking.items():
        if is_called(each, name):
            raise NotLoaded(*missing)


def is_called(checkpoint: str, name: str) -> bool:
    """Whether a checkpoint's own name is this one, with or without the family's prefix."""
    return name in (checkpoint, checkpoint.removeprefix(_FAMILY))
