"""A folder for as long as its process runs; what a killed one leaves is removed by the next."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading

import pytest

from bridge_server.studio.scratch_folder import ScratchFolder
from tests.bridge_server.peers import environment
from tests.places import PROJECT

WAITS = """
import sys, tempfile
from pathlib import Path
tempfile.tempdir = sys.argv[1]
from bridge_server.studio.scratch_folder import ScratchFolder
folder = ScratchFolder("test")
(folder.path / "song").write_text("la")
print(folder.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_is_this_users_alone_and_goes_with_all_that_is_in_it(root):
    folder = ScratchFolder("test")
    (folder.path / "song").write_text("la")
    if os.name == "posix":
        assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    folder.remove()
    assert list(root.iterdir()) == []


def test_another_thread_may_remove_it(root):
    folder = ScratchFolder("test")
    removing = threading.Thread(target=folder.remove)
    removing.start()
    removing.join()
    assert not folder._lock.is_locked
    assert list(root.iterdir()) == []


def test_one_in_use_stays_and_one_of_a_killed_process_goes(root):
    with subprocess.Popen(
        [sys.executable, "-c", WAITS, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env={**environment(), "PYTHONPATH": str(PROJECT)},
    ) as process:
        path = root / os.path.basename(process.stdout.readline().strip())
        ScratchFolder("test").remove()
        assert (path / "song").exists(), "it is in use"
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    ours = ScratchFolder("test")
    assert not path.exists()
    ours.remove()
    assert list(root.iterdir()) == []
