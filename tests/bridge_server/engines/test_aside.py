"""Work in a process of its own: its answer, its refusals, its end."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bridge_server.engines.aside import _received, run_aside
from clip_store.errors import StoreError
from daw_protocol.errors import ErrorCode, ProtocolError
from model.errors import NotLoaded
from tests.bridge_server.peers import PATIENCE


def where(number):
    return number, os.getpid()


def refuse(kind):
    raise kind("Something is missing.", "Get it.")


def break_down():
    raise ValueError("a bug")


def sleep(seconds):
    time.sleep(seconds)


def vanish():
    os._exit(3)


def test_the_answer_comes_from_another_process():
    number, process = run_aside(where, 7)
    assert number == 7
    assert process != os.getpid()


@pytest.mark.parametrize("kind", [NotLoaded, StoreError])
def test_a_refusal_keeps_its_words(kind):
    with pytest.raises(ProtocolError, match="Something is missing") as caught:
        run_aside(refuse, kind)
    assert (caught.value.code, caught.value.remedy) == (ErrorCode.ENGINE_NOT_READY, "Get it.")


def test_it_ends_when_it_is_no_longer_wanted():
    def cancelled():
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_aside(sleep, 600, check=cancelled)
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(("work", "why"), [(break_down, "ValueError"), (vanish, "the process ended")])
def test_a_bug_and_a_crash_are_errors_of_one_request_and_lines_in_the_log(work, why, caplog):
    with pytest.raises(ProtocolError) as caught:
        run_aside(work)
    assert caught.value.code is ErrorCode.ENGINE_DIED
    assert why in caplog.text
    assert "a bug" not in caught.value.sentence


class DeadPipe:
    """The end of a process as other systems report it: `poll` or `recv` raises OSError."""

    def __init__(self, is_ready):
        self.is_ready = is_ready

    def poll(self, seconds):
        if not self.is_ready:
            raise BrokenPipeError(109, "The pipe has been ended")
        return True

    def recv(self):
        raise OSError("got end of file during message")


@pytest.mark.parametrize("is_ready", [False, True])
def test_a_process_that_ended_is_found_so_on_windows_and_in_the_middle_of_an_answer(is_ready):
    assert _received(DeadPipe(is_ready)) == ("broke", "the process ended")


def test_an_error_of_whoever_waits_is_not_taken_for_the_end_of_the_process():
    def gone():
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        run_aside(sleep, 600, check=gone)


KILLED = """
import sys
from bridge_server.engines.aside import run_aside
from tests.bridge_server.engines.test_aside import begin_and_sleep
if __name__ == "__main__":
    run_aside(begin_and_sleep, sys.argv[1])
"""


def begin_and_sleep(mark):
    Path(mark).touch()
    time.sleep(600)


def test_it_ends_with_a_server_that_is_killed(tmp_path):
    (tmp_path / "server.py").write_text(KILLED, encoding="utf-8")
    mark = tmp_path / "begun"
    command = [sys.executable, str(tmp_path / "server.py"), str(mark)]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment) as server:
        latest = time.monotonic() + PATIENCE
        while not mark.exists() and server.poll() is None and time.monotonic() < latest:
            time.sleep(0.01)
        assert mark.exists(), "it never began"
        server.kill()
        # Its end closes the last copy of the pipe, which both of them have.
        assert server.communicate(timeout=PATIENCE)[1] == b""
