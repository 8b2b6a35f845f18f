import signal
import subprocess
import sys

import pytest

from bridge_server.platforms import how_it_ended, stop_signals, store_folder


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (None, "it stopped answering"),
        (-9, "it was killed (the machine may have run out of memory)"),
        (-11, "it was ended by signal 11"),
        (0, "it ended with status 0"),
        (7, "it ended with status 7"),
    ],
)
def test_how_a_process_ended(code, words):
    assert how_it_ended(code) == words


def test_the_store_is_the_users_own():
    folder = store_folder()
    assert folder.is_absolute()
    assert "takebridge" in folder.parts


def in_a_process(code):
    """What a fresh Python prints that runs this."""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return found.stdout.strip()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no nice values")
def test_renders_yield_to_everything_else():
    code = (
        "import os; from bridge_server.platforms import yield_to_others; before = os.nice(0); yield_to_others();"
        "print(os.nice(0) - before)"
    )
    assert int(in_a_process(code)) > 0


def test_ctrl_c_leaves_the_engine_to_the_server():
    code = (
        "import signal; from bridge_server.platforms import ignore_interrupt; ignore_interrupt();"
        "signal.raise_signal(signal.SIGINT); print('still here')"
    )
    assert in_a_process(code) == "still here"


def test_what_stops_a_server():
    assert signal.SIGINT in stop_signals()
    assert sys.platform == "win32" or signal.SIGTERM in stop_signals()
