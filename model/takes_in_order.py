"""Takes of one request, rendered by themselves, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from model.engine import OnProgress, Rendered, RenderRequest

RenderOne = Callable[[RenderRequest, OnProgress], Iterator[Rendered]]


def takes_in_order(request: RenderRequest, progress: OnProgress, render_one: RenderOne) -> Iterator[Rendered]:
    """Renders every take of a request; everything that comes names its take."""
    for take in request.takes:
        for found in render_one(replace(request, takes=(take,)), _of_take(progress, take)):
            yield replace(found, take=take)


def _of_take(progress: OnProgress, take: int) -> OnProgress:
    return lambda update: progress(replace(update, take=take))
