"""Which engine a request goes to that may name none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol

from daw_protocol.errors import ProtocolError
from daw_protocol.requests import Analyse, Render
from model.engine import EngineDescription, Task

Described = tuple[str, EngineDescription]
"""An engine's name on this server, and what it can do."""


class Engines(Protocol):
    """What an `EnginePool` says of its engines."""

    @property
    def names(self) -> Sequence[str]: ...

    async def describe(self, name: str) -> EngineDescription: ...


async def engine_for(request: Render, named: str, engines: Engines) -> Described:
    """The engine of the request: the one it names, or the default one, which `request.engine` is then; a request for
    words that names none takes any that writes them, as it makes no sound.

    An engine that cannot be started takes no request from the others. Raises ProtocolError.
    """
    chosen = request.engine
    if named or request.spec().makes_takes:
        return chosen, await engines.describe(chosen)
    default = await _described([chosen], engines)
    if default and _is_able(default[0], request) and _is_meant(default[0], request):
        return default[0]
    found = [*default, *await _described([name for name in engines.names if name != chosen], engines)]
    able = sorted(
        (one for one in found if _is_able(one, request)), key=lambda one: not _is_meant(one, request)
    )
    if able:
        return able[0]
    # Where none can, the one that could with its planner says what is missing.
    with_planner = next((one for one in found if one[1].reads_words), None)
    return with_planner or (chosen, await engines.describe(chosen))


async def _described(names: Iterable[str], engines: Engines) -> list[Described]:
    """Those of the engines that can be started."""

    async def one(name: str) -> Described | None:
        try:
            return name, await engines.describe(name)
        except ProtocolError:
            return None

    return [found for found in await asyncio.gather(*map(one, names)) if found is not None]


def _is_able(engine: Described, request: Render) -> bool:
    return engine[1].capability(Task(request.task)).available


def _is_meant(engine: Described, request: Render) -> bool:
    """A song is measured, unless it is to be described; for all else one engine is as good as another."""
    return not isinstance(request, Analyse) or engine[1].reads_words == request.words
