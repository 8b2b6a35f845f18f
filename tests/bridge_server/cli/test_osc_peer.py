"""The socket of `send` and `demo`, against sockets that answer well, badly and not at all."""

from __future__ import annotations

import asyncio
import socket

import pytest

from bridge_server.cli.osc_peer import OscPeer, OscReply
from bridge_server.endpoints.osc_packets import encode
from tests.bridge_server.peers import free_port


def test_replies_are_read_and_what_is_no_reply_is_passed_over():
    async def ask():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            peer = OscPeer(server.getsockname()[1], "localhost")
            peer.send("/bridge/tempo", [120])
            _, sender = server.recvfrom(1000)
            for data in (b"noise", b"", encode("/bridge/ok", ["id7", "command", "tempo"])):
                server.sendto(data, sender)
            reply = await peer.receive(10)
            with pytest.raises(TimeoutError):
                await peer.receive(0.01)
            peer.close()
            return reply

    reply = asyncio.run(ask())
    assert reply == OscReply("ok", {"id": "id7", "command": "tempo"})
    assert reply.address == "/bridge/ok"


@pytest.mark.parametrize("steps", range(6))
def test_ctrl_c_counts_even_with_a_datagram_at_the_same_moment(steps):
    """steps: of the loop between the datagram and the cancelling."""

    async def ask():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            peer = OscPeer(server.getsockname()[1])
            peer.send("/bridge/tempo", [120])
            _, sender = server.recvfrom(1000)
            receiving = asyncio.create_task(peer.receive(10))
            await asyncio.sleep(0.01)
            server.sendto(encode("/bridge/ok", ["id7"]), sender)
            for _ in range(steps):
                await asyncio.sleep(0)
            cancelling = receiving.cancel()
            await asyncio.wait([receiving])
            peer.close()
            assert receiving.cancelled() == cancelling

    asyncio.run(ask())


def test_a_port_where_nothing_listens_is_an_error_at_once():
    async def ask():
        peer = OscPeer(free_port())
        try:
            peer.send("/bridge/status", [])
            await peer.receive(10)
        finally:
            peer.close()

    with pytest.raises(OSError):
        asyncio.run(ask())
