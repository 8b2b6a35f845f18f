"""What plays MIDI to the server: a surface over TCP with pads, pedals and a clock, and a program read line by line."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time

import mido
import mido.sockets

from tests.bridge_server.peers import PATIENCE, environment
from tests.places import PROJECT

MAP = """
note 36          /bridge/repaint takes 2
note 37 ch 10    /bridge/takes/choose $take
note 38          /bridge/vary take $take
cc 64            /bridge/cancel $job
cc 7             /bridge/tempo $value(60..187)
program 3        /bridge/takes/revert $take
"""


@contextlib.contextmanager
def surface(name):
    """Whatever can send MIDI bytes over TCP. name: as the server tells it, tcp:PORT."""
    port = mido.sockets.connect("127.0.0.1", int(name.partition(":")[2]))
    try:
        yield port
    finally:
        port.close()
        port._rfile.close()  # mido leaves them to the garbage collector
        port._wfile.close()


def strike(port, note, channel=0):
    port.send(mido.Message("note_on", note=note, channel=channel, velocity=90))
    port.send(mido.Message("note_off", note=note, channel=channel))


def clocks(port, bpm, count):
    """Real time, as even as sleeping makes it."""
    began = time.perf_counter()
    for number in range(count):
        time.sleep(max(0.0, began + number * 60 / bpm / 24 - time.perf_counter()))
        port.send(mido.Message("clock"))


class Lines:
    """A program's lines, one by one."""

    def __init__(self, words, **more):
        self.process = subprocess.Popen(
            words, cwd=PROJECT, env={**environment(), "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1", **more},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        # A line that never comes must be a failure, not an endless wait.
        self._watch = threading.Timer(2 * PATIENCE, self.process.kill)
        self._watch.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._watch.cancel()
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def until(self, words):
        """The first line with these words."""
        seen = []
        for line in self.process.stdout:
            seen.append(line)
            if words in line:
                return line
        raise AssertionError(f"{words!r} did not come: {''.join(seen)}")
