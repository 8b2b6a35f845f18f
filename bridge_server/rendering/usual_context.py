"""How much of a song around a region an engine uses where a request does not say. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bridge_server.rendering.plan import Plan
from daw_protocol.requests import Render
from model.engine import EngineDescription


def with_usual_context(
    description: EngineDescription, request: Render, plans: Iterable[Plan]
) -> tuple[Render, str]:
    """The request with the engine's usual context, and a note that says so.

    As it was, and "", where it gives one itself, where the engine uses all of a song, and where no song reaches
    further. plans: the request's, in samples.
    """
    seconds = description.context_seconds
    if seconds is None or request.context is not None or not request.spec().makes_takes:
        return request, ""
    if not any(_reaches(plan, round(seconds * plan.rate)) for plan in plans):
        return request, ""
    note = (
        f"{description.label} uses {seconds:g} s of the song on each side as context, as this computer has no GPU for "
        "it; send context 600 for all of it, which takes longer."
    )
    return request.evolve(context=seconds), note


def _reaches(plan: Plan, samples: int) -> bool:
    """Whether the song goes on beyond so many samples next to the region."""
    song, region = plan.song, plan.region
    return song is not None and (song.start < region.start - samples or song.end > region.end + samples)
