import multiprocessing
import os
import signal
import subprocess
import sys
import threading

import pytest

from bridge_server import platforms
from bridge_server.platforms import (
    how_it_ended,
    make_private_folder,
    send_or_end,
    stop_signals,
    store_folder,
    write_private,
)


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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a user's folders private by itself")
def test_a_private_file_is_private_even_where_an_open_one_was(tmp_path):
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new\n")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new\n", 0o600)
    assert os.listdir(tmp_path) == ["secret"]


def test_a_reader_never_sees_half_a_private_file(tmp_path):
    path = tmp_path / "secret"
    texts = {letter * 200_000 for letter in "ab"}
    write_private(path, "a" * 200_000)
    done = threading.Event()

    def write() -> None:
        for _ in range(50):
            for text in texts:
                write_private(path, text)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(path.read_text())
    writer.join()
    assert seen <= texts


@pytest.mark.skipif(sys.platform == "win32", reason="a folder cannot be replaced by a file there")
def test_a_private_file_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "secret").mkdir()
    with pytest.raises(OSError):
        write_private(tmp_path / "secret", "new")
    assert os.listdir(tmp_path) == ["secret"]


def mode(path):
    return path.stat().st_mode & 0o777


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a user's folders private by itself")
def test_a_folder_we_make_is_the_users_alone_and_others_keep_their_rights(tmp_path, monkeypatch):
    make_private_folder(tmp_path / "a" / "store")
    assert mode(tmp_path / "a" / "store") == 0o700
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o775)
    make_private_folder(tmp_path / "shared")
    assert mode(tmp_path / "shared") == 0o775
    monkeypatch.setattr(platforms, "store_folder", lambda: tmp_path / "shared")
    make_private_folder(tmp_path / "shared")
    assert mode(tmp_path / "shared") == 0o700, "our own place, made by an earlier version"
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError, match="file"):
        make_private_folder(tmp_path / "file")


KEPT = """
import sys, threading
from pathlib import Path
from bridge_server.platforms import give_memory_back
if sys.argv[1] == "given":
    give_memory_back()
def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20
begun = megabytes()
def work():
    for size in range(2, 30, 3):
        songs = [bytearray(size << 20) for _ in range(2)]
        for song in songs:
            song[::4096] = bytes(len(song[::4096]))
        words = [bytes(500) for _ in range(20000)]
        del song, songs, words
threads = [threading.Thread(target=work) for _ in range(6)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
print(megabytes() - begun)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="SKIPPED: a matter of glibc")
def test_freed_songs_are_given_back_to_the_system():
    kept = {"given": 0.0, "kept": 0.0}
    for how in (*kept, *kept, *kept):  # how much is left depends on where threads happen to allocate
        found = subprocess.run([sys.executable, "-c", KEPT, how], capture_output=True, text=True, check=True)
        kept[how] += float(found.stdout)
    assert kept["given"] < 0.7 * kept["kept"], kept


@pytest.mark.skipif(sys.platform == "win32", reason="Windows needs no sync of folders")
def test_a_new_store_and_its_secrets_are_on_the_disk_under_their_names(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("clip_store.atomic_file.sync_folder", synced.append)
    make_private_folder(tmp_path / "new" / "store")
    assert synced == [tmp_path, tmp_path / "new"]
    write_private(tmp_path / "new" / "store" / "server.json", "{}")
    assert synced[-1] == tmp_path / "new" / "store"


def test_a_process_that_has_nobody_to_tell_any_more_ends(monkeypatch):
    monkeypatch.setattr(os, "_exit", sys.exit)
    theirs, ours = multiprocessing.Pipe()
    send_or_end(ours, "half done")
    assert theirs.recv() == "half done"
    theirs.close()
    with pytest.raises(SystemExit) as ended:
        send_or_end(ours, "done")
    assert ended.value.code == 0
