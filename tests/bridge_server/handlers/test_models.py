"""Requests about models reach a desk that is made once, when somebody first asks."""

from __future__ import annotations

import asyncio

from bridge_server.handlers.models import ModelHandlers
from bridge_server.sessions.events import Events
from daw_protocol.requests import ListModels
from tests.bridge_server.servers import settings_in


def test_two_who_ask_at_once_share_a_desk(tmp_path):
    async def scenario():
        handlers = ModelHandlers(settings_in(tmp_path), Events())
        await handlers.close()  # nothing was asked for, so there is nothing to end
        answers = await asyncio.gather(*(handlers.list(ListModels(), None) for _ in range(2)))
        assert answers[0].result == answers[1].result
        desk = handlers._desk
        await handlers.list(ListModels(), None)
        assert handlers._desk is desk
        await handlers.close()

    asyncio.run(scenario())
