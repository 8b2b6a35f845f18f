"""Every engine's process and description.

The server runs no engine code: descriptions come from the engines' processes. The default engine sends its description
while its process starts; for any other a short-lived process is started. A description is kept until models change.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bridge_server.engines.process import EngineProcess
from bridge_server.engines.registry import MODELS_FOLDER, arguments_in, target_of
from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import EngineDescription

ModelsState = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class _Known:
    """An engine's description, and the state of its folder of models at that time."""

    description: EngineDescription
    models: ModelsState


class EngineHost:
    """Lives on the event loop. engines: name -> target, as registry.py makes them."""

    def __init__(
        self, engines: Mapping[str, str], stop_seconds: float = 2.0, describe_seconds: float = 30.0
    ) -> None:
        self._engines = engines
        self._stop_seconds = stop_seconds
        self._describe_seconds = describe_seconds
        self._processes: dict[str, EngineProcess] = {}
        self._known: dict[str, _Known] = {}
        self._warming: dict[
            str, asyncio.Event
        ] = {}  # set when the description has come, or the start has failed
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # by name

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._engines)

    def process(self, name: str) -> EngineProcess:
        """The process that renders for an engine; it may not run yet. Raises ProtocolError for an unknown name."""
        if name not in self._processes:
            target = target_of(name, self._engines)

            def learn(description: EngineDescription) -> None:
                self._known[name] = _Known(description, models_state(target))
                if name in self._warming:
                    self._warming[name].set()

            self._processes[name] = EngineProcess(target, self._stop_seconds, learn)
        return self._processes[name]

    def expect(self, name: str) -> None:
        """Announces a `warm_up`: requests for this engine's description wait for it and start no process."""
        self._warming[name] = asyncio.Event()

    async def warm_up(self, name: str) -> None:
        """Starts an engine ahead of the first render. Raises ProtocolError."""
        try:
            await self.process(name).start()
        finally:
            if name in self._warming:
                self._warming[name].set()

    def pids(self) -> dict[str, int]:
        """Running processes by engine name."""
        return {name: pid for name, process in self._processes.items() if (pid := process.pid) is not None}

    async def describe(self, name: str) -> EngineDescription:
        """What an engine can do with the models present now.

        Raises ProtocolError for an unknown name, and for an engine that cannot be loaded, dies or hangs.
        """
        target = target_of(name, self._engines)
        models: ModelsState = ()
        if MODELS_FOLDER in arguments_in(target):  # a slow disk must not block the event loop
            models = await asyncio.to_thread(models_state, target)
        if (found := self._answered(name, models)) is not None:
            return found
        async with self._asking[name]:
            try:
                async with asyncio.timeout(self._describe_seconds):
                    return await self._ask(name, target, models)
            except TimeoutError as late:
                raise ProtocolError(
                    ErrorCode.ENGINE_NOT_READY,
                    f"The engine {name} did not start within {self._describe_seconds:.0f} s.",
                    "Try again when the machine is less busy, or use another engine; "
                    "`takebridge doctor` lists those that are ready.",
                    "engine",
                ) from late

    async def refuse_unusable(self, name: str) -> None:
        """Raises ProtocolError, with the engine's own reason, when it can do nothing at all."""
        tasks = (await self.describe(name)).tasks
        if not any(capability.available for capability in tasks):
            raise ProtocolError(ErrorCode.ENGINE_NOT_READY, tasks[0].reason, tasks[0].remedy, "engine")

    async def _ask(self, name: str, target: str, models: ModelsState) -> EngineDescription:
        if name in self._warming:
            await self._warming[name].wait()
        if (found := self._answered(name, models)) is not None:
            return found
        process = EngineProcess(target, self._stop_seconds)
        try:
            description = await process.describe()
        finally:
            await process.close()
        self._known[name] = _Known(description, models)
        return description

    def _answered(self, name: str, models: ModelsState) -> EngineDescription | None:
        known = self._known.get(name)
        return known.description if known is not None and known.models == models else None

    async def close(self) -> None:
        """Ends every process; the next render starts its own again."""
        await asyncio.gather(*(process.close() for process in self._processes.values()))


def models_state(target: str) -> ModelsState:
    """Path, size and time of change of each file in the engine's folder of models and one level below; () without one.

    Two are equal as long as no model has come, gone or been replaced.
    """
    folder = arguments_in(target).get(MODELS_FOLDER)
    return () if folder is None else tuple(sorted(_files(Path(folder), deeper=True)))


def _files(folder: Path, deeper: bool) -> Iterator[tuple[str, int, int]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # missing, or a file: the engine reports it
        return
    for entry in entries:
        if entry.name.startswith("."):  # a download in progress is no model yet
            continue
        try:
            if entry.is_dir():
                if deeper:
                    yield from _files(Path(entry.path), deeper=False)
            else:
                state = entry.stat()
                yield entry.path, state.st_size, state.st_mtime_ns
        except OSError:  # deleted meanwhile
            continue
