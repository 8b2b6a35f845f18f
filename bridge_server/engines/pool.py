"""Every engine's places and description.

The server runs no engine code: descriptions come from the engines' processes. The default engine sends its description
while its process starts; for any other a short-lived process is started. A description is kept until models change,
or for as long as it says itself.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bridge_server.engines.host import EngineHost
from bridge_server.engines.messages import EngineFolders
from bridge_server.engines.option_files import OptionFiles
from bridge_server.engines.places import EnginePlaces
from bridge_server.engines.process import EngineProcess
from bridge_server.engines.registry import EngineSetup, setup_of
from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import EngineDescription

HERE = "this machine"
ModelsState = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class _Known:
    """An engine's description, the state of its folder of models at that time, and when it came."""

    description: EngineDescription
    models: ModelsState
    at: float = field(default_factory=time.monotonic)

    def holds(self, models: ModelsState) -> bool:
        seconds = self.description.holds_seconds
        return self.models == models and (seconds is None or time.monotonic() < self.at + seconds)


class EnginePool:
    """Lives on the event loop.

    engines: setups by name, as registry.py makes them.
    folders: where the engines' processes find songs and leave results; None for a pool that only describes.
    places:  how many renders of one engine may be under way at once, each in a process of its own.
    option_files: where all of them find the files that options name.
    """

    def __init__(
        self,
        engines: Mapping[str, EngineSetup],
        folders: EngineFolders | None = None,
        places: int = 1,
        stop_seconds: float = 2.0,
        describe_seconds: float = 30.0,
    ) -> None:
        self._engines = engines
        self._folders = folders
        self.option_files = OptionFiles()
        self._count = places
        self._stop_seconds = stop_seconds
        self._describe_seconds = describe_seconds
        self._places: dict[str, EnginePlaces] = {}
        self._known: dict[str, _Known] = {}
        self._warming: dict[
            str, asyncio.Event
        ] = {}  # set when the description has come, or the start has failed
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # by name
        # With all engines at once, each would have to start within its time on a share of the machine.
        self._starting = asyncio.Semaphore(max(2, os.cpu_count() or 2))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._engines)

    def places(self, name: str) -> EnginePlaces:
        """Where an engine renders; nothing may run there yet. Raises ProtocolError for an unknown name."""
        if name not in self._places:
            setup = setup_of(name, self._engines)

            def learn(description: EngineDescription) -> None:
                self._known[name] = _Known(description, models_state(setup))
                if name in self._warming:
                    self._warming[name].set()

            self._places[name] = EnginePlaces(
                EngineProcess(
                    setup, self._folders, self._stop_seconds, learn, place_name(number), self.option_files
                )
                for number in range(1, self._count + 1)
            )
        return self._places[name]

    def places_of(self, name: str) -> tuple[EngineHost, ...]:
        """Where an engine renders; () for one that has not been asked to yet."""
        return self._places[name].hosts if name in self._places else ()

    def without_room(self) -> tuple[str, ...]:
        """The engines that have no place free."""
        return tuple(name for name, places in self._places.items() if not places.free)

    def takes_at_once(self, name: str) -> int:
        """How many takes of one request to order together, as far as is known by now."""
        known = self._known.get(name)
        return known.description.takes_at_once if known is not None else 1

    def expect(self, name: str) -> None:
        """Announces a `warm_up`: requests for this engine's description wait for it and start no process."""
        self._warming[name] = asyncio.Event()

    async def warm_up(self, name: str) -> None:
        """Starts an engine ahead of the first render. Raises ProtocolError."""
        places = self.places(name)
        try:
            await places.hosts[0].start()
            places.used()
        finally:
            if name in self._warming:
                self._warming[name].set()

    def pids(self) -> dict[str, int]:
        """Running processes by engine name; those of further places by name and number: "sketch", "sketch 2"."""
        return {
            name if number == 1 else f"{name} {number}": host.pid
            for name, places in self._places.items()
            for number, host in enumerate(places.hosts, 1)
            if host.pid is not None
        }

    async def describe(self, name: str) -> EngineDescription:
        """What an engine can do with the models present now.

        Raises ProtocolError for an unknown name, and for an engine that cannot be loaded, dies or hangs.
        """
        setup = setup_of(name, self._engines)
        models: ModelsState = ()
        if setup.models is not None:  # a slow disk must not block the event loop
            models = await asyncio.to_thread(models_state, setup)
        if (found := self._answered(name, models)) is not None:
            return found
        async with self._asking[name], self._starting:
            try:
                async with asyncio.timeout(self._describe_seconds):
                    return await self._ask(name, setup, models)
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

    async def _ask(self, name: str, setup: EngineSetup, models: ModelsState) -> EngineDescription:
        if name in self._warming:
            await self._warming[name].wait()
        if (found := self._answered(name, models)) is not None:
            return found
        process = EngineProcess(setup, None, self._stop_seconds)
        try:
            description = await process.describe()
        finally:
            await process.close()
        self._known[name] = _Known(description, models)
        return description

    def _answered(self, name: str, models: ModelsState) -> EngineDescription | None:
        known = self._known.get(name)
        return known.description if known is not None and known.holds(models) else None

    def seconds_to_unload(self, limit: float) -> float | None:
        """Until the next engine will have been idle for `limit` seconds; None while none is loaded without work."""
        waits = [limit - places.idle_seconds for places in self._idle()]
        return max(0.0, min(waits)) if waits else None

    async def unload_idle(self, limit: float) -> None:
        """Ends the processes of the engines that had no work for `limit` seconds; others keep theirs."""
        idle = [places for places in self._idle() if places.idle_seconds >= limit]
        await asyncio.gather(*(host.close() for places in idle for host in places.hosts))

    def _idle(self) -> list[EnginePlaces]:
        return [
            places
            for places in self._places.values()
            if not places.in_use and any(host.pid is not None for host in places.hosts)
        ]

    async def close(self) -> None:
        """Ends every process; the next render starts its own again."""
        hosts = [host for places in self._places.values() for host in places.hosts]
        await asyncio.gather(*(host.close() for host in hosts))


def place_name(number: int) -> str:
    """A place of this machine as producers read it."""
    return HERE if number == 1 else f"{HERE} {number}"


def models_state(setup: EngineSetup) -> ModelsState:
    """Path, size and time of change of each file in the engine's folder of models and one level below; () without one.

    Two are equal as long as no model has come, gone or been replaced.
    """
    return () if setup.models is None else tuple(sorted(_files(setup.models, deeper=True)))


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
