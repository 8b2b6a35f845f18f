"""The signs of life of an engine link: a slow line is no dead one, and a bridge that is slow itself is not either.

A line that says nothing any more: test_host_connection.py.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bridge_server.studio.host_connection import MESSAGES_AHEAD, HostConnection
from bridge_server.studio.linked_render import LinkedRender
from bridge_server.studio.pulse import Pulse
from tests.bridge_server.render_hosts import Cable, HostThread, host_settings, kept_up, link_to, order
from tests.bridge_server.studio.test_engine_link import render, stored

QUICK = Pulse(0.1, 0.6)
LONG = 1_000_000  # frames of a take: 31 messages, twice what waits
SLOW = 150_000  # bytes a second: the parts of a song or a stem take more than a second and a half


def test_a_slow_line_is_not_taken_for_a_dead_one(tmp_path):
    settings = host_settings(tmp_path / "host", ("noise",), places=1, pulse=QUICK)
    with HostThread(settings) as host, Cable(host.join, SLOW) as cable:

        async def run():
            async with kept_up(HostConnection(cable.join, QUICK)) as connection:
                session = await connection.connected()
                command = replace(order(), song=stored(tmp_path))
                (outcome,) = await render(link_to(connection, tmp_path), command)
                assert outcome.stem("mix").frames == command.request.length
                assert connection.session is session, "it was never cut"

        asyncio.run(asyncio.wait_for(run(), 60))


def test_a_bridge_whose_disk_is_slow_loses_neither_a_piece_nor_its_host(tmp_path, monkeypatch):
    """What it has no room for stays with the host."""
    settings = host_settings(tmp_path / "host", ("noise",), places=1, pulse=QUICK)
    accept, waiting = LinkedRender.accept, []

    async def slowly(self, message, stop):
        if not waiting:
            while most_waiting() < MESSAGES_AHEAD:
                await asyncio.sleep(0.02)
            await asyncio.sleep(3 * QUICK.lost_after)
            waiting.append(most_waiting())
        return await accept(self, message, stop)

    monkeypatch.setattr(LinkedRender, "accept", slowly)
    with HostThread(settings) as host:

        async def run():
            async with kept_up(HostConnection(host.join, QUICK)) as connection:
                session = await connection.connected()
                most.append(session)
                plain = order()
                command = replace(plain, request=replace(plain.request, end=plain.request.start + LONG))
                (outcome,) = await render(link_to(connection, tmp_path), command)
                assert outcome.stem("mix").frames == LONG
                assert connection.session is session, "it was never cut"

        most: list = []

        def most_waiting() -> int:
            return max(inbox._messages.qsize() for inbox in most[0]._inboxes.values())

        asyncio.run(asyncio.wait_for(run(), 60))
    assert waiting == [MESSAGES_AHEAD]
