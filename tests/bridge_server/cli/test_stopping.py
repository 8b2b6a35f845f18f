"""How a server's process ends when it is asked to; tests/faults/test_stopping.py stops real ones in every state."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading

import pytest

from bridge_server.cli.stopping import Stopping
from bridge_server.platforms import stop_signals
from tests.bridge_server.peers import PATIENCE


async def never():
    await asyncio.Event().wait()


def test_work_is_done_unless_somebody_asks_to_stop():
    async def run():
        stopping = Stopping(lambda: None)
        done = []

        async def work():
            done.append(1)

        assert await stopping.unless_asked(work())
        assert (done, stopping.asked) == ([1], False)
        asyncio.get_running_loop().call_soon(stopping.ask)
        assert not await stopping.unless_asked(never())
        assert stopping.asked

    asyncio.run(run())


def test_work_that_fails_says_so():
    async def broken():
        raise OSError("no room")

    async def run():
        await Stopping(lambda: None).unless_asked(broken())

    with pytest.raises(OSError, match="no room"):
        asyncio.run(run())


def test_the_process_is_ended_at_the_deadline_and_not_before_it_was_asked():
    ended = threading.Event()

    async def run():
        stopping = Stopping(ended.set, seconds=0.05)
        assert not await asyncio.to_thread(ended.wait, 0.2)
        stopping.ask()
        stopping.ask()
        assert await asyncio.to_thread(ended.wait, PATIENCE)

    asyncio.run(run())


@pytest.mark.parametrize("number", stop_signals())
@pytest.mark.parametrize("kind", ["unix", "windows"])
def test_every_stop_signal_asks(number, kind, monkeypatch):
    async def run():
        loop = asyncio.get_running_loop()
        if kind == "windows":  # whose loop handles no signals itself

            def add_signal_handler(*_):
                raise NotImplementedError

            monkeypatch.setattr(loop, "add_signal_handler", add_signal_handler)
        stopping = Stopping(lambda: None)
        stopping.listen()
        signal.raise_signal(number)
        await asyncio.wait_for(stopping.wait(), PATIENCE)

    before = {one: signal.getsignal(one) for one in stop_signals()}
    try:
        asyncio.run(run())
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def test_before_the_server_is_made_it_ends_with_status_0():
    code = (
        "import signal; from bridge_server.cli.stopping import stopped_early\n"
        "with stopped_early(): signal.raise_signal(signal.SIGTERM)\n"
        "print('still here')"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=PATIENCE, check=False)
    assert (found.returncode, found.stdout) == (0, b"")


def test_a_log_that_is_held_up_does_not_hold_the_end_up():
    code = (
        "import logging, threading; from bridge_server.cli.stopping import end_now\n"
        "class Stuck(logging.Handler):\n"
        "    def emit(self, record): threading.Event().wait()\n"
        "logging.getLogger().addHandler(Stuck())\n"
        "end_now()"
    )
    found = subprocess.run([sys.executable, "-c", code], timeout=PATIENCE, check=False)
    assert found.returncode == 0


def test_a_server_that_has_closed_leaves_without_taking_python_down(tmp_path):
    code = (
        "import atexit, sys; from bridge_server.__main__ import main; from bridge_server.cli import serve\n"
        "async def closed(settings): print('closed'); return 0\n"
        "serve.serve = closed\n"
        "atexit.register(print, 'taken down')\n"
        f"sys.argv = ['takebridge', '--store', {str(tmp_path)!r}, 'serve', '--port', '0', '--osc-port', '0']\n"
        "main()"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=PATIENCE, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (0, b"closed\n", b"")
