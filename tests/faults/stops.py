"""How long a server takes to end after it was asked to, and with which status, in states that may hold it up."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from websockets.sync.client import connect

from bridge_server.logs import LOG_FILE
from tests.bridge_server.peers import PATIENCE, environment
from tests.faults.rig import REPAINT, Rig
from tests.places import PROJECT

LISTENERS = 50
STUCK_SECONDS = 60.0  # of a thread that reads: only the deadline ends such a process


class Stopped(NamedTuple):
    state: str
    seconds: float
    status: int


def stopped(rig: Rig, state: str, number: int = signal.SIGTERM) -> Stopped:
    """Asks a server that is in one of STATES to stop. Its process is gone then."""
    with rig.running(), contextlib.ExitStack() as stack:
        for enter in STATES[state]:
            enter(rig, stack)
        began = time.monotonic()
        os.kill(rig.pid, number)
        status = rig.wait()
        return Stopped(state, time.monotonic() - began, status)


def stopped_while_it_starts(rig: Rig, after: float) -> Stopped:
    """Asks a server to stop so many seconds after it has read its command line, which is when its log begins.

    Before that it knows no signals, and ends by them; for service managers that is as good as status 0.
    """
    log = rig.server.store / "logs" / LOG_FILE
    log.unlink(missing_ok=True)
    process = subprocess.Popen(rig.server.command, stdout=subprocess.DEVNULL, cwd=PROJECT, env=environment())
    deadline = time.monotonic() + PATIENCE
    while not log.exists():
        assert time.monotonic() < deadline, "the server does not start"
        time.sleep(0.01)
    time.sleep(after)
    began = time.monotonic()
    process.terminate()
    status = process.wait(PATIENCE)
    return Stopped(f"{after:g} s after its log began", time.monotonic() - began, status)


def _listeners(rig: Rig, stack: contextlib.ExitStack) -> None:
    for _ in range(LISTENERS):
        url = f"ws://127.0.0.1:{rig.server.address['websocket_port']}/"
        connection = stack.enter_context(connect(url, proxy=None, open_timeout=PATIENCE, close_timeout=0.1))
        call = {"jsonrpc": "2.0", "id": 1, "method": "watch", "params": {"on": True}}
        connection.send(json.dumps(call))
        connection.recv(timeout=PATIENCE)


def _render(rig: Rig, stack: contextlib.ExitStack) -> None:
    peer = stack.enter_context(rig.websocket())
    peer.call("repaint", takes=8, **REPAINT)
    while peer.next_received().name != "progress":
        pass


def _upload(rig: Rig, stack: contextlib.ExitStack) -> None:
    port = rig.server.address["websocket_port"]
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
    head = f"PUT /uploads/a.wav HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 100000000\r\n\r\n"
    connection.sendall(head.encode() + bytes(3_000_000))
    scratch = rig.server.store / "scratch"
    deadline = time.monotonic() + PATIENCE
    while not any(path.is_file() for path in scratch.glob("*")):
        assert time.monotonic() < deadline, "the upload does not begin"
        time.sleep(0.02)


def _stuck_engine(rig: Rig, stack: contextlib.ExitStack) -> None:
    for pid in rig.engine_pids():
        os.kill(pid, signal.SIGSTOP)
        stack.callback(_resume, pid)


def _resume(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def _stuck_thread(rig: Rig, stack: contextlib.ExitStack) -> None:
    """Needs a server with the fault "stuck" (wrapped.py)."""
    peer = stack.enter_context(rig.websocket())
    call = {"jsonrpc": "2.0", "id": 1, "method": "store.verify", "params": {}}
    peer.connection.send(json.dumps(call))
    time.sleep(0.2)


State = Callable[[Rig, contextlib.ExitStack], None]
STATES: dict[str, tuple[State, ...]] = {
    "idle": (),
    "under render": (_render,),
    "during an upload": (_upload,),
    f"{LISTENERS} listeners": (_listeners,),
    "a stuck engine": (_render, _stuck_engine),
    "a thread that reads on": (_stuck_thread,),
    "all of these": (_listeners, _upload, _render, _stuck_engine, _stuck_thread),
}


def stuck_rig(folder: Path) -> Rig:
    """A rig for every state."""
    return Rig(folder, {"stuck": STUCK_SECONDS})
