"""Starting, stopping and finding a server."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock

from bridge_server import server as server_module
from bridge_server.server import LOCK, find_server, running_server
from bridge_server.settings import WatchSettings
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.peers import PATIENCE, ServerThread
from tests.bridge_server.servers import settings_in


def start(settings) -> None:
    """Starts and stops a server. Raises what it raises."""

    async def once() -> None:
        async with running_server(settings):
            pass

    asyncio.run(once())


def test_a_running_server_is_found_by_its_store_and_not_afterwards(tmp_path):
    settings = settings_in(tmp_path)
    assert find_server(settings.store) is None
    with ServerThread(settings) as server:
        found = find_server(settings.store)
        assert found is not None
        assert (found["osc_port"], found["websocket_port"]) == (
            server.settings.osc_port,
            server.settings.websocket_port,
        )
    assert find_server(settings.store) is None


def test_the_address_of_a_server_that_was_killed_is_not_believed(tmp_path):
    settings = settings_in(tmp_path)
    start(settings)
    (settings.store / "server.json").write_text(json.dumps({"osc_port": 1}))
    assert find_server(settings.store) is None


def test_what_a_killed_server_was_writing_is_gone_after_the_next_start(tmp_path):
    watched = tmp_path / "Bounces"
    settings = settings_in(tmp_path, watch=WatchSettings(watched, poll_seconds=0.01))
    left, others = f".{'a' * 16}.part", "mine.part"
    folders = [
        settings.store,
        settings.store / "blobs" / "ab",
        settings.store / "clips" / "2026-01",
        watched / "Takes",
    ]
    downloads = settings.store / "checkpoints" / "turbo"  # by another process, perhaps
    for folder in (*folders, downloads):
        folder.mkdir(parents=True, exist_ok=True)
        for name in (left, others):
            (folder / name).write_bytes(b"half")
    with ServerThread(settings):
        deadline = time.monotonic() + PATIENCE
        while any((folder / left).exists() for folder in folders):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert (downloads / left).exists()
    assert all((folder / others).exists() for folder in folders)


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps a user's folders private by itself")
def test_the_address_with_its_token_is_for_this_user_only(tmp_path):
    with ServerThread(settings_in(tmp_path, token="secret")) as server:
        path = server.settings.store / "server.json"
        assert "secret" in path.read_text()
        assert path.stat().st_mode & 0o777 == 0o600


def test_two_servers_do_not_share_a_store(tmp_path):
    settings = settings_in(tmp_path)
    with ServerThread(settings), pytest.raises(ProtocolError, match="Another server") as caught:
        start(settings)
    assert caught.value.code is ErrorCode.STORE_FAILED
    start(settings)


def test_the_server_of_another_user_is_none_of_ours(tmp_path, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refused)  # as a folder of mode 0700 does
    assert find_server(tmp_path) is None


def test_a_command_that_looks_for_a_server_is_none(tmp_path, monkeypatch):
    settings = settings_in(tmp_path)
    settings.store.mkdir()
    monkeypatch.setattr(server_module, "LOOK_SECONDS", PATIENCE)
    looking = FileLock(
        settings.store / LOCK, thread_local=False
    )  # as `find_server` does, which every command asks
    looking.acquire()
    release = threading.Timer(0.1, looking.release)
    release.start()
    start(settings)
    release.join()


def test_of_two_commands_that_look_for_a_server_neither_is_one_to_the_other(tmp_path, monkeypatch):
    monkeypatch.setattr(server_module, "LOOK_SECONDS", PATIENCE)
    settings = settings_in(tmp_path)
    settings.store.mkdir()
    (settings.store / "server.json").write_text(json.dumps({"osc_port": 1}))  # of one that was killed
    looking = FileLock(settings.store / LOCK, thread_local=False)
    looking.acquire()
    release = threading.Timer(0.1, looking.release)
    release.start()
    assert find_server(settings.store) is None
    release.join()


@pytest.mark.parametrize(
    ("kind", "option"), [(socket.SOCK_DGRAM, "--osc-port"), (socket.SOCK_STREAM, "--port")]
)
def test_a_port_that_is_taken_is_named(tmp_path, kind, option):
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        field = "osc_port" if kind is socket.SOCK_DGRAM else "websocket_port"
        with pytest.raises(ProtocolError, match=str(port)) as caught:
            start(settings_in(tmp_path, **{field: port}))
    assert option in caught.value.remedy
    start(settings_in(tmp_path))  # nothing is held by the failed start


def test_a_store_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ProtocolError, match="file") as caught:
        start(settings_in(tmp_path, store=tmp_path / "file"))
    assert caught.value.code is ErrorCode.STORE_FAILED


def test_a_database_that_is_none(tmp_path):
    settings = settings_in(tmp_path)
    settings.store.mkdir()
    (settings.store / "store.sqlite3").write_text("this is no database, but longer than its header" * 10)
    with pytest.raises(ProtocolError, match="database") as caught:
        start(settings)
    assert caught.value.remedy


def test_stopping_in_the_middle_keeps_the_jobs(tmp_path):
    """A job under way and one that waits are done by the next server, which tells their client."""
    settings = settings_in(tmp_path)
    from tests.bridge_server.peers import noise_song

    noise_song(settings.roots[0] / "song.wav")
    region = ("source", "song.wav", "start", 0, "end", 4800)
    with ServerThread(settings) as server:
        peer = server.osc()
        osc = peer.__enter__()
        osc.send("/bridge/repaint", "running", *region, "engine", "slow", "options", '{"seconds": 1.0}')
        osc.send("/bridge/repaint", "waiting", *region)
        while osc.receive().name != "progress":
            pass
    with ServerThread(settings):
        ends = {}
        while len(ends) < 2:
            reply = osc.receive()
            if reply.name in ("done", "failed", "cancelled"):
                ends[reply["id"]] = reply.name
    peer.__exit__(None, None, None)
    assert ends == {"running": "done", "waiting": "done"}


def test_stopping_while_it_warms_up_leaves_nothing_behind(tmp_path, monkeypatch):
    """No task is pending on the loop it has left; Python would complain of it at the end of the program."""
    begun, over = threading.Event(), threading.Event()

    def slow():
        begun.set()
        over.wait(10)

    monkeypatch.setattr("bridge_server.rendering.worker.warm_up", slow)
    with ServerThread(settings_in(tmp_path)) as server:
        assert begun.wait(10)
    pending = asyncio.all_tasks(server._loop)
    over.set()
    assert not pending


def test_an_unknown_engine_is_refused(tmp_path):
    with pytest.raises(ProtocolError, match="nonesuch"):
        settings_in(tmp_path, engine="nonesuch")
