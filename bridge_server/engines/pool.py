"""Every engine's places and description.

The server runs no engine code: descriptions come from the engines' processes. The default engine sends its description
while its process starts; for any other a short-lived process is started. A description is kept until models change,
or for as long as it says itself.

Where there are render hosts, they render what they have engines for, and say what these can do; this machine renders
the rest, and everything while none of them can be reached, if that is wanted.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge_server.engines.child_process import StartChild, start_process
from bridge_server.engines.host import EngineHost
from bridge_server.engines.messages import EngineFolders
from bridge_server.engines.option_files import OptionFiles
from bridge_server.engines.places import EnginePlaces
from bridge_server.engines.process import EngineProcess
from bridge_server.engines.registry import EngineSetup, setup_of
from bridge_server.studio.engine_link import EngineLink
from bridge_server.studio.host_connection import HostConnection
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
    render_hosts: connections to other machines that render. fall_back: whether this one does while they are away.
    start_child: where the engines' processes run.
    """

    def __init__(
        self,
        engines: Mapping[str, EngineSetup],
        folders: EngineFolders | None = None,
        places: int = 1,
        stop_seconds: float = 2.0,
        describe_seconds: float = 30.0,
        render_hosts: Sequence[HostConnection] = (),
        fall_back: bool = False,
        start_child: StartChild = start_process,
    ) -> None:
        self._engines = engines
        self._start_child = start_child
        self._folders = folders
        self.option_files = OptionFiles()
        self._count = places
        self._stop_seconds = stop_seconds
        self._describe_seconds = describe_seconds
        self._places: dict[str, EnginePlaces] = {}
        self.render_hosts = tuple(render_hosts)
        self._fall_back = fall_back
        self._linked: dict[tuple[str, HostConnection], int] = {}  # places made so far, by engine and host
        self.on_room: Callable[[], None] = lambda: None  # a place may have become free
        for host in self.render_hosts:
            host.on_change = self._hosts_changed
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

            here = [
                EngineProcess(
                    setup,
                    self._folders,
                    self._stop_seconds,
                    learn,
                    place_name(number),
                    self.option_files,
                    self._start_child,
                )
                for number in range(1, self._count + 1)
            ]
            if not self.render_hosts:
                self._places[name] = EnginePlaces(here)
            else:
                self._places[name] = EnginePlaces(
                    self._links(name), reserve=here, reserve_open=lambda: self._renders_here(name)
                )
        return self._places[name]

    def _links(self, name: str) -> list[EngineLink]:
        """Places on render hosts that there are none for yet: one, before a host has said how many it has."""
        assert self._folders is not None, "a pool that only describes renders nowhere"
        links = []
        for host in self.render_hosts:
            known = self._linked.get((name, host), 0)
            there = host.welcome.places if host.welcome is not None else 1
            self._linked[name, host] = max(known, there)
            links += [
                EngineLink(
                    name, number, host, self._folders, self.option_files, self._stop_seconds,
                    lambda host=host: self._other_than(name, host),  # type: ignore[misc]
                )
                for number in range(known + 1, there + 1)
            ]  # fmt: skip
        return sorted(links, key=lambda link: link.number)  # by turns, where there are several hosts

    def _other_than(self, name: str, host: HostConnection) -> bool:
        """Whether an order can go elsewhere."""
        others = (other.offers(name) for other in self.render_hosts if other is not host)
        return any(others) or self._renders_here(name)

    def _renders_here(self, name: str) -> bool:
        """Whether this machine renders with an engine, although there are render hosts."""
        if any(host.offers(name) for host in self.render_hosts):
            return False
        lacking = [host.lacks(name) for host in self.render_hosts]
        if self._fall_back:
            return all(host.away or lacks for host, lacks in zip(self.render_hosts, lacking, strict=True))
        return all(lacking)

    def _hosts_changed(self) -> None:
        for name, places in self._places.items():
            places.add(self._links(name))
        self.on_room()

    def places_of(self, name: str) -> tuple[EngineHost, ...]:
        """Where an engine renders; () for one that has not been asked to yet."""
        return self._places[name].hosts if name in self._places else ()

    def without_room(self) -> tuple[str, ...]:
        """The engines that have no place free."""
        return tuple(name for name, places in self._places.items() if not places.free)

    def rendered_on(self, name: str) -> str:
        """The render host that has an engine, with its device; "" where this machine renders."""
        if self._renders_here(name):
            return ""
        offers = (
            host.rendered_on for host in self.render_hosts if host.welcome and name in host.welcome.engines
        )
        return next(offers, "")

    def takes_at_once(self, name: str) -> int:
        """How many takes of one request to order together, as far as is known by now."""
        found = self._last_described(name)
        return found.takes_at_once if found is not None else 1

    def fixed_batches(self, name: str) -> bool:
        """Whether those are always the same ones, as far as is known by now."""
        found = self._last_described(name)
        return found is not None and found.fixed_batches

    def one_by_one(self, name: str, options: Mapping[str, object]) -> bool:
        """Whether a request with these options has its takes rendered one by one, as far as is known by now."""
        found = self._last_described(name)
        alone = found.one_by_one if found is not None else {}
        return any(
            options.get(option) == value or (value == "on" and options.get(option) is True)
            for option, value in alone.items()
        )

    def is_described(self, name: str) -> bool:
        """Whether it is known by now what an engine can do."""
        return self._last_described(name) is not None

    def _last_described(self, name: str) -> EngineDescription | None:
        known = self._known.get(name)
        return self._described_there(name) or (known.description if known is not None else None)

    def expect(self, name: str) -> None:
        """Announces a `warm_up`: requests for this engine's description wait for it and start no process."""
        self._warming[name] = asyncio.Event()

    async def warm_up(self, name: str) -> None:
        """Starts an engine ahead of the first render. Raises ProtocolError."""
        places = self.places(name)
        try:
            await self._hosts_tried()
            if not self.render_hosts or self._renders_here(name):
                await next(host for host in places.hosts if isinstance(host, EngineProcess)).start()
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
        await self._hosts_tried()
        if (there := self._described_there(name)) is not None:
            return there
        if self.render_hosts and not self._renders_here(name):
            away = next(host for host in self.render_hosts if host.welcome is None)
            raise ProtocolError(
                ErrorCode.ENGINE_NOT_READY,
                f"The render host {away.name} cannot be reached: {away.problem}.",
                "Check that `takebridge host` runs there and that both machines are in one network.",
                "engine",
            )
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

    async def _hosts_tried(self) -> None:
        """Waits until every render host has answered or is known not to."""
        for host in self.render_hosts:
            await host.tried.wait()

    def _described_there(self, name: str) -> EngineDescription | None:
        """What an engine can do on a render host, as the first one that has it said last."""
        offers = (host.welcome.engines.get(name) for host in self.render_hosts if host.welcome is not None)
        return (
            None if self._renders_here(name) else next((found for found in offers if found is not None), None)
        )

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
        process = EngineProcess(setup, None, self._stop_seconds, start_child=self._start_child)
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
