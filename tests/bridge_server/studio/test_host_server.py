"""Who is let in by a render host: a bridge with the token, and nothing else."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from bridge_server.studio import host_server
from bridge_server.studio.running_host import running_host
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.render_hosts import host_settings


def on_host(tmp_path, work, **changes):
    async def run():
        async with running_host(host_settings(tmp_path / "host", ("noise",), places=1, **changes)) as running:
            await asyncio.wait_for(work(running), 60)

    asyncio.run(run())


async def status(running, **headers) -> int:
    """How a handshake is answered."""
    try:
        async with connect(running.join.address, proxy=None, additional_headers=headers):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def test_only_the_token_lets_in_and_no_page_ever(tmp_path):
    async def work(running):
        right = {"Authorization": f"Bearer {running.join.token}"}
        assert await status(running, **right) == 101
        assert await status(running, **right, Origin="http://127.0.0.1:9135") == 403
        assert await status(running, **right, Origin="null") == 403
        assert await status(running) == 401
        assert await status(running, Authorization=running.join.token[:-1]) == 401

    on_host(tmp_path, work)


def test_after_five_wrong_tokens_the_right_one_waits_as_well(tmp_path):
    async def work(running):
        for _ in range(host_server.TRIES):
            assert await status(running, Authorization="Bearer wrong") == 401
        assert await status(running, Authorization="Bearer wrong") == 429
        assert await status(running, Authorization=f"Bearer {running.join.token}") == 429

    on_host(tmp_path, work)


def test_more_bridges_than_anybody_has_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(host_server, "MAX_BRIDGES", 1)

    async def work(running):
        right = {"Authorization": f"Bearer {running.join.token}"}
        async with connect(running.join.address, proxy=None, additional_headers=right):
            assert await status(running, **right) == 503

    on_host(tmp_path, work)


def test_a_port_that_is_taken_is_named(tmp_path):
    async def work(running):
        with pytest.raises(ProtocolError, match=str(running.join.port)) as caught:
            async with running_host(host_settings(tmp_path / "other", ("noise",), port=running.join.port)):
                pass
        assert caught.value.code is ErrorCode.NOT_ALLOWED

    on_host(tmp_path, work)
