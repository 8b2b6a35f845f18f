"""The licence of the weights a take was rendered with, as their publisher states it."""

from __future__ import annotations

from pathlib import Path

from model.published import Published

_ADAPTER = " with adapter "


def licence_of(weights: str) -> str:
    """Of weights as an engine's report names them: a model of the catalogue, with or without an adapter or the name of
    its file; "" for others, of which nothing is known."""
    name, _, adapter = weights.partition(_ADAPTER)
    if not name:
        return ""
    from model.checkpoints import CATALOGUE  # an engine's code: not needed for an engine without weights

    entry = next((one for one in CATALOGUE if name in _names(one)), None)
    if entry is None:
        return ""
    return f"{entry.licence}; of the adapter unknown" if adapter else entry.licence


def _names(entry: Published) -> tuple[str, ...]:
    outer = entry.folder.partition("/")[0]  # of a model in several folders
    return (
        entry.name,
        entry.folder,
        outer,
        *(f"{entry.folder} {Path(file.name).stem}" for file in entry.files),
    )
