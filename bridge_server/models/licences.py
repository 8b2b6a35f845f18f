"""The licence of the weights a take was rendered with, as their publisher states it."""

from __future__ import annotations

from model.checkpoints import CATALOGUE

_ADAPTER = " with adapter "


def licence_of(weights: str) -> str:
    """Of weights as an engine's report names them: a model of the catalogue, with or without an adapter; "" for
    others, of which nothing is known."""
    name, _, adapter = weights.partition(_ADAPTER)
    entry = next((one for one in CATALOGUE if name and name in (one.name, one.folder)), None)
    if entry is None:
        return ""
    return f"{entry.licence}; of the adapter unknown" if adapter else entry.licence
