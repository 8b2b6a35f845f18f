"""Which engines there are, by name. Engines are named, not imported: their code is loaded where it is needed,
in the engine's own process, and here only to ask what they can do."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl, urlencode

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Render
from model.engine import Engine, EngineDescription, Task, TextLimit

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
            "Install its packages: pip install 'ace-bridge[acestep]'. `ace-bridge doctor` shows what is missing.",
            "engine",
        ) from error
    arguments = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    return cast(Engine, getattr(module, class_name)(**arguments))


def refuse_unusable(target: str) -> None:
    """Raises ProtocolError, with the engine's own reason, when it can do nothing at all."""
    tasks = make_engine(target).describe().tasks
    if not any(capability.available for capability in tasks):
        raise ProtocolError(ErrorCode.ENGINE_NOT_READY, tasks[0].reason, tasks[0].remedy, "engine")


class Engines:
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


def refuse_impossible(description: EngineDescription, request: Render) -> None:
    """Raises ProtocolError for what this engine cannot do, before anything is queued or read."""
    capability = description.capability(Task(request.task))
    if not capability.available:
        remedy = capability.remedy or "Use another engine; `engines` tells what each one can do."
        raise ProtocolError(ErrorCode.CANNOT_RENDER, capability.reason, remedy, "engine")
    label = description.label
    if request.reference is not None and not description.reference:
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            f"reference: the {label} engine does not listen to reference audio.",
            "Leave it away, or use another engine; `engines` tells what each one can do.",
            "reference",
        )
    _known("layers", (getattr(request, "layers", "all"),), ("all", *description.layers), label)
    _known("stems", getattr(request, "stems", ()), description.stems, label)
    _known("instruments", getattr(request, "instruments", ()), description.instruments, label)
    _known("options", tuple(request.options), tuple(description.options), label)
    if description.languages:
        _known("language", (request.language,), description.languages, label)
    _refuse_too_many_characters("prompt", request.prompt, description.prompt, label)
    _refuse_too_many_characters("lyrics", request.lyrics, description.lyrics, label)


def unread_words(description: EngineDescription, request: Render) -> str:
    """What the producer should know before the render: words the engine may not read. Empty when it reads all."""
    told = []
    for field, text in (("prompt", request.prompt), ("lyrics", request.lyrics)):
        limit = getattr(description, field)
        if not limit.may_lose(text):
            continue
        if limit.tokens == 0:
            told.append(f"{field}: the {description.label} engine does not read them.")
        else:
            told.append(
                f"{field}: the {description.label} engine reads about {limit.tokens} tokens, and these may be more; "
                "the take's notes will name what was left out."
            )
    return " ".join(told)


def refuse_too_long(description: EngineDescription, seconds: float) -> None:
    """Raises ProtocolError when a region is longer than the engine renders at once."""
    if seconds > description.max_seconds:
        raise ProtocolError(
            ErrorCode.TOO_LARGE,
            f"The region is {seconds:.0f} s long; the {description.label} engine renders at most "
            f"{description.max_seconds:.0f} s at a time.",
            "Select a shorter region.",
            "end",
        )


def _refuse_too_many_characters(field: str, text: str, limit: TextLimit, label: str) -> None:
    most = limit.characters
    if most is not None and len(text) > most:
        begins = " ".join(text[most:].split()[:4])[:60]
        raise ProtocolError(
            ErrorCode.TOO_LARGE,
            f"{field}: the {label} engine reads at most {most} characters, these are {len(text)}.",
            f"Shorten it: from {begins!r} on it is too much.",
            field,
        )


def _known(field: str, given: tuple[str, ...], known: tuple[str, ...], label: str) -> None:
    for name in given:
        if name not in known:
            remedy = f"It knows: {', '.join(known)}." if known else "Leave it away."
            raise ProtocolError(
                ErrorCode.CANNOT_RENDER, f"{field}: the {label} engine does not know {name!r}.", remedy, field
            )
