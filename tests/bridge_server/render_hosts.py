"""Render hosts for tests, each on an event loop of its own, and the cable to them, which can be cut."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge_server.engines.messages import EngineFolders, RenderCommand
from bridge_server.engines.option_files import OptionFiles
from bridge_server.studio.engine_link import EngineLink
from bridge_server.studio.host_connection import HostConnection
from bridge_server.studio.join_string import JoinString
from bridge_server.studio.pulse import Pulse
from bridge_server.studio.running_host import HostSettings, RunningHost, running_host
from tests.bridge_server.engines.test_process import order as quick_order
from tests.bridge_server.loop_thread import LoopThread
from tests.doubles import ENGINES

UNHURRIED = Pulse(1.0, 20.0)
"""For tests that do not take a side away: a busy machine is not taken for one that has gone."""


def host_settings(
    folder: Path, engines: Iterable[str] = ("noise", "slow", "faulty"), places: int = 2, **changes: Any
) -> HostSettings:
    """A host of the test's own on a free port; engines: which of the doubles it has."""
    setups = {name: ENGINES[name] for name in engines}
    values = {"port": 0, "pulse": UNHURRIED, **changes}
    return HostSettings(folder, values.pop("name", "studio"), "test device", (setups,) * places, **values)


@contextlib.asynccontextmanager
async def kept_up(connection: HostConnection) -> AsyncIterator[HostConnection]:
    """The connection's task, for as long as the block lasts."""
    task = asyncio.create_task(connection.run())
    try:
        yield connection
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def linked(folder: Path, engine: str = "noise", **changes: Any) -> AsyncIterator[EngineLink]:
    """A place of a host, and the host, on the loop of the test. Its bridge's files are in `blobs` and `results`."""
    async with (
        running_host(host_settings(folder / "host", (engine,), **changes)) as running,
        kept_up(HostConnection(running.join, UNHURRIED)) as connection,
    ):
        await connection.connected()
        yield link_to(connection, folder, engine)


def link_to(connection: HostConnection, folder: Path, engine: str = "noise", **changes: Any) -> EngineLink:
    """A place of the host that a connection leads to."""
    folders = EngineFolders(folder / "blobs", folder / "results")
    values = {"option_files": OptionFiles(), "stop_seconds": 0.5, **changes}
    return EngineLink(engine, 1, connection, folders, **values)


def order(results: str = "j1", seconds: float = 60.0, **changes: Any) -> RenderCommand:
    """An order for a take; the slow engine takes so many seconds for it."""
    plain = quick_order(seconds)
    return replace(plain, results=results, **changes)


class HostThread(LoopThread):
    """A render host."""

    def __init__(self, settings: HostSettings) -> None:
        super().__init__()
        self.settings = settings
        self.running: RunningHost

    @contextlib.asynccontextmanager
    async def _opened(self) -> Any:
        async with running_host(self.settings) as self.running:
            yield

    @property
    def join(self) -> JoinString:
        return self.running.join

    def pids(self, engine: str, rendering: bool = False) -> list[int]:
        """The processes of an engine, of all places; rendering: of those with an order."""
        places = self.running.host.orders.places
        found = [place.engines[engine].pid for place in places if place.order is not None or not rendering]
        return [pid for pid in found if pid is not None]

    def starts(self, engine: str) -> list[int]:
        """How often an engine was started, by place."""
        return [place.engines[engine].starts for place in self.running.host.orders.places]

    def orders(self) -> int:
        """How many there are, however far."""
        return self.on_loop(lambda: len(list(self.running.host.orders)))


class Cable(LoopThread):
    """A TCP connection to another port of this machine: passes bytes on until it is cut, or says nothing any more.

    rate: bytes a second in each direction; as quick as it gets without one.
    """

    def __init__(self, join: JoinString, rate: float | None = None) -> None:
        super().__init__()
        self._rate = rate
        self._there = join
        self._port = 0
        self._whole = True
        self._frozen = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self.sent = 0  # bytes towards the host

    @property
    def join(self) -> JoinString:
        """The host through this cable."""
        return replace(self._there, host="127.0.0.1", port=self._port)

    @contextlib.asynccontextmanager
    async def _opened(self) -> Any:
        tasks: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if not self._whole:
                writer.close()
                return
            there = await asyncio.open_connection("127.0.0.1", self._there.port)
            both = (writer, there[1])
            self._writers |= {*both}
            for source, target, counted in ((reader, there[1], True), (there[0], writer, False)):
                task = asyncio.create_task(self._pass_on(source, target, both, counted))
                tasks.add(task)

        self._frozen.set()
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for writer in self._writers:
                writer.close()

    async def _pass_on(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        both: tuple[asyncio.StreamWriter, ...],
        counted: bool,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536 if self._rate is None else 4096):
                await self._frozen.wait()
                if self._rate is not None:
                    await asyncio.sleep(len(data) / self._rate)
                self.sent += len(data) * counted
                target.write(data)
                await target.drain()
        for writer in both:
            writer.close()

    def cut(self) -> None:
        """Both sides lose their connection, and get no new one."""

        def at_once() -> None:
            self._whole = False
            for writer in self._writers:
                writer.transport.abort()
            self._writers.clear()

        self.on_loop(at_once)

    def mend(self) -> None:
        """New connections are let through."""
        self.on_loop(lambda: setattr(self, "_whole", True))

    def freeze(self) -> None:
        """Nothing gets through, and nobody is told."""
        self.on_loop(self._frozen.clear)

    def thaw(self) -> None:
        self.on_loop(self._frozen.set)


@contextlib.contextmanager
def host_with_cable(folder: Path, **changes: Any) -> Iterator[tuple[HostThread, Cable]]:
    """A host, and a cable to it."""
    with HostThread(host_settings(folder, **changes)) as host, Cable(host.join) as cable:
        yield host, cable
