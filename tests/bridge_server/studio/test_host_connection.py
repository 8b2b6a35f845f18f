"""A bridge's side of the link: it finds the host, loses it, finds it again, and says why it cannot."""

from __future__ import annotations

import asyncio
import dataclasses
import re

import pytest
from websockets.asyncio.server import serve

from bridge_server.handlers.status import host_record
from bridge_server.studio import host_connection, host_session, render_host
from bridge_server.studio.host_connection import HostConnection
from bridge_server.studio.join_string import JoinString
from bridge_server.studio.link_messages import LINK_PROTOCOL, Welcome
from bridge_server.studio.pulse import Pulse
from bridge_server.studio.running_host import running_host
from bridge_server.studio.wire import LinkLostError
from tests.bridge_server.render_hosts import UNHURRIED, Cable, HostThread, host_settings, kept_up

QUICK = Pulse(0.1, 0.3)


async def until(condition, connection) -> None:
    """Waits for a condition that changes with the connection."""
    changed = asyncio.Event()
    connection.on_change = changed.set
    async with asyncio.timeout(60):
        while not condition():
            await changed.wait()
            changed.clear()


def test_it_comes_back_after_a_cut_and_tells_every_order(tmp_path):
    with HostThread(host_settings(tmp_path / "host", ("noise",))) as host, Cable(host.join) as cable:

        async def run():
            async with kept_up(HostConnection(cable.join, UNHURRIED)) as connection:
                first = await connection.connected()
                assert (connection.name, connection.offers("noise"), connection.offers("slow")) == (
                    "studio", True, False,
                )  # fmt: skip
                _, inbox = first.open()
                await asyncio.to_thread(cable.cut)
                assert isinstance(await inbox.get(), LinkLostError)
                _, late = first.open()
                assert isinstance(await late.get(), LinkLostError), "who comes late learns it as well"
                assert (connection.session, connection.offers("noise"), connection.away) == (
                    None,
                    False,
                    False,
                )
                assert connection.name == "studio", "as long as the bridge runs"
                await asyncio.to_thread(cable.mend)
                assert await connection.connected() is not first

        asyncio.run(run())


def test_a_side_that_says_nothing_any_more_is_noticed(tmp_path):
    settings = host_settings(tmp_path / "host", ("noise",), pulse=QUICK)
    with HostThread(settings) as host, Cable(host.join) as cable:

        async def run():
            async with kept_up(HostConnection(cable.join, QUICK)) as connection:
                await connection.connected()
                await asyncio.to_thread(cable.freeze)
                await until(lambda: connection.session is None, connection)
                await asyncio.to_thread(cable.thaw)
                await connection.connected()

        asyncio.run(run())


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"token": "x" * 43}, "does not know this token"),
        ({"port": 1}, "refused|Connect call failed"),
        ({"host": "studio..lan"}, "name is none"),
    ],
)
def test_it_says_why_the_host_is_not_there(tmp_path, change, word):
    async def run():
        async with running_host(host_settings(tmp_path / "host", ("noise",))) as running:
            join = dataclasses.replace(running.join, **change)
            async with kept_up(HostConnection(join, UNHURRIED)) as connection:
                await asyncio.wait_for(connection.tried.wait(), 60)
                assert connection.away
                assert re.search(word, connection.problem), connection.problem
                assert join.token not in connection.problem

    asyncio.run(run())


def test_a_peer_that_says_nothing_keeps_nobody_waiting(tmp_path, monkeypatch):
    monkeypatch.setattr(host_connection, "OPEN_SECONDS", 0.5)

    async def silent(connection):
        await connection.wait_closed()

    async def run():
        async with serve(silent, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with kept_up(
                HostConnection(JoinString("127.0.0.1", port, "x" * 43), UNHURRIED)
            ) as connection:
                await asyncio.wait_for(connection.tried.wait(), 60)
                assert (connection.away, connection.problem) == (True, "it does not answer")

    asyncio.run(run())


@pytest.mark.parametrize("side", [host_connection, host_session])
def test_another_version_of_the_link_is_refused_by_name(tmp_path, monkeypatch, side):
    monkeypatch.setattr(side, "LINK_PROTOCOL", LINK_PROTOCOL + 1)

    async def run():
        async with (
            running_host(host_settings(tmp_path / "host", ("noise",))) as running,
            kept_up(HostConnection(running.join, UNHURRIED)) as connection,
        ):
            await asyncio.wait_for(connection.tried.wait(), 60)
            assert connection.session is None
            assert "Install the same version of Takebridge" in connection.problem

    asyncio.run(run())


def test_another_version_of_the_product_is_a_note(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(host_connection, "VERSION", "0.0.1")

    async def run():
        async with (
            running_host(host_settings(tmp_path / "host", ("noise",))) as running,
            kept_up(HostConnection(running.join, UNHURRIED)) as connection,
        ):
            await connection.connected()
            assert connection.offers("noise")
            (note,) = host_record(connection).notes
            assert note.endswith("this server 0.0.1. Install the same version on both machines.")
            place = running.host.orders.places[0]
            running.host._refuses(place, "noise", "Place 1 has no\x1b network. Give it one.")
            await until(lambda: len(connection.notes) == 2, connection)
            assert host_record(connection).notes == (note, "Place 1 has no? network. Give it one.")
            running.host._refuses(place, "noise", "")
            await until(lambda: connection.notes == (note,), connection)

    asyncio.run(run())
    assert caplog.text.count("this server 0.0.1") == 1


def test_what_a_host_says_of_itself_is_kept_within_bounds(tmp_path, monkeypatch):
    monkeypatch.setattr(
        render_host.RenderHost,
        "welcome",
        lambda _: Welcome(LINK_PROTOCOL, "1", "box\x1b" + "x" * 1000, "d" * 1000, 10**9),
    )

    async def run():
        async with (
            running_host(host_settings(tmp_path / "host", ("noise",))) as running,
            kept_up(HostConnection(running.join, UNHURRIED)) as connection,
        ):
            await connection.connected()
            found = connection.welcome
            assert (len(found.name), len(found.device), found.places) == (
                host_connection.MAX_NAME, host_connection.MAX_NAME, host_connection.MAX_PLACES,
            )  # fmt: skip
            assert found.name.startswith("box?")

    asyncio.run(run())


def test_who_closes_it_is_not_warned(tmp_path, caplog):
    async def run():
        async with running_host(host_settings(tmp_path / "host", ("noise",))) as running:
            connection = HostConnection(running.join, UNHURRIED)
            async with kept_up(connection):
                await connection.connected()
            assert (connection.session, connection.problem) == (None, "the connection was closed")

    asyncio.run(run())
    assert "was closed" not in caplog.text


def test_an_inbox_that_is_full_holds_back_who_delivers_until_something_is_taken_or_nobody_waits():
    async def run():
        inbox = host_connection.Inbox()
        for number in range(host_connection.MESSAGES_AHEAD):
            await inbox.put(number)
        late = asyncio.create_task(inbox.put("late"))
        await asyncio.sleep(0)
        assert not late.done()
        assert await inbox.get() == 0
        await late
        left = asyncio.create_task(inbox.put("left"))
        await asyncio.sleep(0)
        assert not left.done()
        inbox.end(LinkLostError("nobody waits"))
        await left
        found = [await inbox.get() for _ in range(host_connection.MESSAGES_AHEAD)]
        assert found == [*range(1, host_connection.MESSAGES_AHEAD), "late"], "in order"

    asyncio.run(asyncio.wait_for(run(), 30))
