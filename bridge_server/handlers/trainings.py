"""Requests about trainings. What carries them out is loaded when somebody first asks, or when one was under way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_server.errors import server_is_stopping
from bridge_server.handlers.response import Response
from bridge_server.rendering.worker import RendersUnderWay
from bridge_server.sessions.client import Client
from bridge_server.sessions.events import Events
from bridge_server.settings import Settings
from bridge_server.studio.host_connection import HostConnection
from daw_protocol import requests

if TYPE_CHECKING:
    from bridge_server.handlers.training_desk import TrainingDesk

# As training_wish.py calls them, which is loaded only when somebody trains.
RUNS, ADAPTERS = "training", "adapters"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def training_folders(store: Path, name: str) -> tuple[Path, ...]:
    """Where there may be something to show of a training: the finished adapter's folder, then that of what is
    unfinished; none for what cannot be a name."""
    return (store / ADAPTERS / name, store / RUNS / name) if _NAME.fullmatch(name) else ()


class TrainingHandlers:
    """Requests about trainings. Raises ProtocolError."""

    def __init__(
        self, settings: Settings, events: Events, render_hosts: Sequence[HostConnection] = ()
    ) -> None:
        self._settings = settings
        self._render_hosts = render_hosts
        self._events = events
        self._desk: TrainingDesk | None = None
        self._making = asyncio.Lock()
        self._closed = False
        self._renders = False
        events.subscribe(RendersUnderWay, self._rendering)

    async def list(self, request: requests.ListTrainings, _: Client) -> Response:
        return await (await self._asked()).list(request)

    async def show(self, request: requests.ShowTraining, _: Client) -> Response:
        return await (await self._asked()).show(request)

    async def songs(self, request: requests.ReadTrainingSongs, _: Client) -> Response:
        return await (await self._asked()).songs(request)

    async def start(self, request: requests.StartTraining, _: Client) -> Response:
        return await (await self._asked()).start(request)

    async def stop(self, request: requests.StopTraining, _: Client) -> Response:
        return await (await self._asked()).stop(request)

    async def resume(self, request: requests.ResumeTraining, _: Client) -> Response:
        return await (await self._asked()).resume(request)

    async def discard(self, request: requests.DiscardTraining, _: Client) -> Response:
        return await (await self._asked()).discard(request)

    async def go_on(self) -> None:
        """Goes on with the training that was under way when the server ended, if there was one."""
        if await asyncio.to_thread((self._settings.store / RUNS).is_dir):
            await (await self._asked()).go_on()

    async def close(self) -> None:
        """Ends the training under way, with its place kept. Nothing is answered any more."""
        self._closed = True
        async with self._making:
            if self._desk is not None:
                await self._desk.close()

    def _rendering(self, event: RendersUnderWay) -> None:
        self._renders = event.count > 0
        if self._desk is not None:
            self._desk.yield_to_renders(self._renders)

    async def _asked(self) -> TrainingDesk:
        async with self._making:
            if self._closed:
                raise server_is_stopping()
            if self._desk is None:
                made = await asyncio.to_thread(_loaded)
                self._desk = made(self._settings, self._events, self._render_hosts, self._renders)
        return self._desk


def _loaded() -> type[TrainingDesk]:
    """For a thread: it takes a while."""
    from bridge_server.handlers.training_desk import TrainingDesk

    return TrainingDesk
