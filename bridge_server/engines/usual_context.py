"""How much of a song around a region an engine uses where a request does not say. Pure."""

from __future__ import annotations

from daw_protocol.requests import Render
from model.engine import EngineDescription

_REGION_FIELDS = ("start", "end", "bars", "length", "regions")


def with_usual_context(description: EngineDescription, request: Render) -> tuple[Render, str]:
    """The request with the engine's usual context, and a note that says so; as it was, and "", where it says one
    itself, the engine uses all of the song, or the region is the song."""
    seconds = description.context_seconds
    spec = request.spec()
    if seconds is None or request.context is not None or not (spec.needs_source and spec.makes_takes):
        return request, ""
    if not spec.spliced and all(getattr(request, name) is None for name in _REGION_FIELDS):
        return request, ""
    note = (
        f"On this processor {description.label} uses {seconds:g} s of the song on each side as context; "
        "send context 600 for all of it, which takes longer."
    )
    return request.evolve(context=seconds), note
