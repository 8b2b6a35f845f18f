"""A child of this machine: what it says comes in order, its end last, and a start that is given up leaves none.

Renders by children: test_process.py.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import threading

import pytest

from bridge_server.engines.child_process import ChildProcess, Gone, start_process
from bridge_server.engines.messages import ChildDescription, ChildStart, EngineFolders, QuitCommand
from tests.bridge_server.peers import PATIENCE


def start_of(folder, engine="NoiseEngine", renders=True) -> ChildStart:
    folders = EngineFolders(folder / "blobs", folder) if renders else None
    return ChildStart(f"tests.doubles:{engine}", json.dumps({}), folders)


async def started(start: ChildStart) -> tuple[ChildProcess, asyncio.Queue]:
    """A child, and what it says."""
    said, loop = asyncio.Queue(), asyncio.get_running_loop()
    child = await start_process(start, lambda message: loop.call_soon_threadsafe(said.put_nowait, message))
    return child, said


async def until_gone(said: asyncio.Queue) -> list:
    found = []
    async with asyncio.timeout(PATIENCE):
        while not isinstance(message := await said.get(), Gone):
            found.append(message)
    return found


def test_what_it_says_comes_in_order_and_its_end_last(tmp_path):
    async def run():
        child, said = await started(start_of(tmp_path, renders=False))
        first, *others = await until_gone(said)
        assert isinstance(first, ChildDescription)
        assert others == []
        assert await child.how_it_ended() == "it ended with status 0"
        assert not child.alive
        with pytest.raises(OSError):
            await child.send(QuitCommand())
        await child.close()

    asyncio.run(run())


def test_it_is_killed_or_closed_from_here(tmp_path):
    async def run():
        (killed, said), (closed, heard) = [await started(start_of(tmp_path)) for _ in range(2)]
        assert {killed.pid, closed.pid} <= {each.pid for each in multiprocessing.active_children()}
        await killed.kill()
        await until_gone(said)
        assert "killed" in await killed.how_it_ended() or "status" in await killed.how_it_ended()
        await closed.close()
        await until_gone(heard)
        assert not killed.alive
        assert not closed.alive

    asyncio.run(run())


def test_a_start_that_is_given_up_leaves_no_child(tmp_path, monkeypatch):
    """The thread that starts it cannot be called back."""
    entered, go = threading.Event(), threading.Event()
    really_start = multiprocessing.context.SpawnProcess.start
    begun = []

    def slow_start(process):
        entered.set()
        assert go.wait(PATIENCE)
        really_start(process)
        begun.append(process)

    monkeypatch.setattr(multiprocessing.context.SpawnProcess, "start", slow_start)

    async def run():
        starting = asyncio.create_task(started(start_of(tmp_path)))
        await asyncio.to_thread(entered.wait)
        starting.cancel()
        asyncio.get_running_loop().call_soon(go.set)
        await asyncio.wait({starting})
        assert starting.cancelled()
        assert not begun[0].is_alive()

    asyncio.run(run())
