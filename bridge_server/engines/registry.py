"""Which engines there are, by name. Engines are named, not imported: their code is loaded where it is needed,
in the engine's own process, and here only to ask what they can do."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl, urlencode

from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import Engine, EngineDescription

ACESTEP = "acestep"
BUILT_IN: Mapping[str, str] = {
    "sketch": "model.sketch.engine:SketchEngine",
    ACESTEP: "model.acestep.engine:AceStepEngine",
}
"""Engine name -> "module:Class", or "module:Class?name=value&..." with arguments as in the query of a web address.

The class takes nothing but text and must be cheap to make; what it needs is read when it loads."""


def with_models(folder: Path, **wishes: str) -> dict[str, str]:
    """The built-in engines, with the ACE-Step checkpoints in `folder`.

    wishes: device ("cuda", "cpu", ...) and memory_gb, where the producer chose; empty ones are left to the engine.
    """
    given = {"folder": str(folder), **{name: wish for name, wish in wishes.items() if wish}}
    return {**BUILT_IN, ACESTEP: f"{BUILT_IN[ACESTEP]}?{urlencode(given)}"}


def make_engine(target: str) -> Engine:
    """The engine that `target` names (see BUILT_IN). Raises ProtocolError when its packages are not installed."""
    place, _, query = target.partition("?")
    module_name, class_name = place.split(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ProtocolError(
            ErrorCode.ENGINE_NOT_READY,
            f"The engine's code could not be loaded: {error}.",
            "Install its packages: pip install 'takebridge[acestep]'. `takebridge doctor` shows what is missing.",
            "engine",
        ) from error
    arguments = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    return cast(Engine, getattr(module, class_name)(**arguments))


def refuse_unusable(target: str) -> None:
    """Raises ProtocolError, with the engine's own reason, when it can do nothing at all."""
    tasks = make_engine(target).describe().tasks
    if not any(capability.available for capability in tasks):
        raise ProtocolError(ErrorCode.ENGINE_NOT_READY, tasks[0].reason, tasks[0].remedy, "engine")


class EngineRegistry:
    """What each engine can do, asked once."""

    def __init__(self, engines: Mapping[str, str]) -> None:
        self._engines = engines
        self._descriptions: dict[str, EngineDescription] = {}

    def describe(self, name: str) -> EngineDescription:
        """Raises ProtocolError when there is no engine of that name, or its packages are missing."""
        if name not in self._descriptions:
            self._descriptions[name] = make_engine(target_of(name, self._engines)).describe()
        return self._descriptions[name]


def target_of(name: str, engines: Mapping[str, str]) -> str:
    """Where the engine called `name` lives. Raises ProtocolError with the names there are."""
    if name not in engines:
        raise ProtocolError(
            ErrorCode.UNKNOWN_ENGINE,
            f"There is no engine called {name!r}.",
            f"Use one of: {', '.join(engines)}.",
            "engine",
        )
    return engines[name]
