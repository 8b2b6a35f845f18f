"""Requests about models. The catalogue and what reads model folders are loaded when somebody first asks for them: a
server that renders without models needs none of that code."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bridge_server.handlers.response import Response
from bridge_server.sessions.client import Client
from bridge_server.sessions.events import Events
from bridge_server.settings import Settings
from daw_protocol.requests import CancelModel, GetModel, ListModels

if TYPE_CHECKING:
    from bridge_server.handlers.model_desk import ModelDesk


class ModelHandlers:
    """Requests about models. Raises ProtocolError."""

    def __init__(self, settings: Settings, events: Events) -> None:
        self._settings = settings
        self._events = events
        self._desk: ModelDesk | None = None
        self._making = asyncio.Lock()

    async def list(self, request: ListModels, _: Client) -> Response:
        return await (await self._asked()).list(request)

    async def get(self, request: GetModel, _: Client) -> Response:
        return await (await self._asked()).get(request)

    async def cancel(self, request: CancelModel, _: Client) -> Response:
        return await (await self._asked()).cancel(request)

    async def close(self) -> None:
        """Ends a download that is under way."""
        if self._desk is not None:
            await self._desk.close()

    async def _asked(self) -> ModelDesk:
        async with self._making:
            if self._desk is None:
                self._desk = await asyncio.to_thread(_made, self._settings, self._events)
        return self._desk


def _made(settings: Settings, events: Events) -> ModelDesk:
    """For a thread: loading takes a while."""
    from bridge_server.handlers.model_desk import ModelDesk

    return ModelDesk(settings, events)
