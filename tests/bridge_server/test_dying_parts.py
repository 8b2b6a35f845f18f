"""What happens when a part of the server dies: it is logged, shown by `status`, and restarted or ends the server."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time

import pytest

from bridge_server import supervisor
from bridge_server.endpoints.mailbox.folder import MailboxFolder
from bridge_server.endpoints.osc import OscEndpoint
from bridge_server.endpoints.watch_folder.folder import WatchFolder
from bridge_server.engines.process import EngineProcess
from bridge_server.jobs.job import JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.rendering import worker
from bridge_server.server import running_server
from bridge_server.settings import WatchSettings
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.mailbox_peer import MailboxPeer
from tests.bridge_server.peers import PATIENCE, PROJECT
from tests.bridge_server.servers import settings_in


@pytest.fixture(autouse=True)
def quick_restarts(monkeypatch):
    monkeypatch.setattr(supervisor.Supervisor.__init__, "__defaults__", (time.monotonic, 0.01))


def failing(monkeypatch, owner, name, times, error):
    """Lets the first `times` calls of a method fail."""
    real, calls = getattr(owner, name), []

    def method(*given, **named):
        calls.append(1)
        if len(calls) <= times:
            raise error
        return real(*given, **named)

    monkeypatch.setattr(owner, name, method)
    return calls


def render(server, request_id="id1"):
    with server.osc() as osc:
        return osc.render("/bridge/repaint", request_id, "source", "song.wav", "start", 0, "end", 4800)


def test_a_worker_whose_database_fails_for_a_moment_renders_the_job(start_server, monkeypatch, caplog):
    calls = failing(monkeypatch, JobQueue, "next_waiting", 3, sqlite3.OperationalError("database is locked"))
    assert render(start_server())[-1].name == "done"
    assert len(calls) > 3
    assert "render worker" in caplog.text
    assert "database is locked" in caplog.text


def test_a_job_that_waits_for_room_on_the_disk_is_reported_once(start_server, monkeypatch, caplog):
    real, refused = JobQueue.move, []

    def move(self, job, state, *given):
        if state is JobState.RUNNING and len(refused) < 4:
            refused.append(job.id)
            raise ProtocolError(ErrorCode.STORE_FAILED, "The disk is full.")
        return real(self, job, state, *given)

    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(JobQueue, "move", move)
    replies = render(start_server())
    assert replies[-1].name == "done"
    assert len(refused) == 4
    stages = [reply["stage"] for reply in replies if reply.name == "progress"]
    assert [stage for stage in stages if stage.startswith("waiting")] == ["waiting: The disk is full."]
    assert caplog.text.count("has to wait") == 1


def test_a_worker_that_dies_within_a_job_begins_it_again(start_server, monkeypatch):
    async def carry_out(self, run):
        monkeypatch.setattr(worker.RenderWorker, "_carry_out", carry_out_really)
        raise sqlite3.OperationalError("disk I/O error")

    carry_out_really = worker.RenderWorker._carry_out
    monkeypatch.setattr(worker.RenderWorker, "_carry_out", carry_out)
    assert render(start_server())[-1].name == "done"


def test_a_worker_that_dies_as_it_begins_a_job_loses_no_place(start_server, monkeypatch):
    """The job has claimed its place by then, and its task has not run yet."""
    real, begun = JobQueue.next_waiting, []

    def next_waiting(self, not_by=()):
        if len(begun) == 1 and begun[0] is not None:
            begun.append(None)
            raise sqlite3.OperationalError("disk I/O error")
        if (found := real(self, not_by)) is not None:
            begun.append(found)
        return found

    server = start_server()
    monkeypatch.setattr(JobQueue, "next_waiting", next_waiting)
    assert render(server)[-1].name == "done"
    assert render(server, "id2")[-1].name == "done"


def test_what_cannot_be_loaded_ahead_does_not_stop_the_worker(start_server, monkeypatch):
    def no_module():
        raise ImportError("no module named scipy")

    monkeypatch.setattr(worker, "warm_up", no_module)
    assert render(start_server())[-1].name == "done"


def test_an_engine_that_cannot_be_spawned_fails_its_job_with_a_reason(start_server, monkeypatch):
    async def start(self, *_):
        raise ProtocolError(ErrorCode.ENGINE_NOT_READY, "The engine's process could not be started: EMFILE.")

    real = EngineProcess.start
    monkeypatch.setattr(EngineProcess, "start", start)
    server = start_server()
    assert render(server)[-1]["code"] == "engine_not_ready"
    monkeypatch.setattr(EngineProcess, "start", real)
    assert render(server, "id2")[-1].name == "done"


def test_an_osc_endpoint_that_dies_answers_again(start_server, monkeypatch, caplog):
    server = start_server()
    failing(monkeypatch, OscEndpoint, "_serve_packet", 1, OSError("the socket broke"))
    with server.osc() as osc:
        osc.send("/bridge/status", "lost")
        assert osc.ask("/bridge/status", "id1")["id"] == "id1"
    assert "OSC endpoint" in caplog.text


def test_a_mailbox_that_dies_answers_again(start_server, monkeypatch, caplog):
    server = start_server()
    failing(monkeypatch, MailboxFolder, "take", 2, OSError("the drive is away"))
    peer = MailboxPeer(server.settings.store / "mailbox")
    assert peer.ask("status")["result"]["engine"] == "noise"
    assert "the drive is away" in caplog.text


def test_a_watched_folder_that_keeps_dying_is_shown_and_the_server_goes_on(
    start_server, tmp_path, monkeypatch
):
    drops = tmp_path / "Bounces"
    drops.mkdir()
    failing(monkeypatch, WatchFolder, "_look", 1_000_000, RuntimeError("a bug"))
    server = start_server(watch=WatchSettings(drops, poll_seconds=0.01))
    deadline = time.monotonic() + PATIENCE
    with server.websocket() as ws, server.osc() as osc:
        while "failed" not in ws.call("status").get("problems", {}).get("watched folder", ""):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert "watched folder is failed: RuntimeError: a bug" in osc.ask("/bridge/status", "id1")["text"]
    assert render(server)[-1].name == "done"


def test_a_worker_that_cannot_be_brought_back_ends_the_server(tmp_path, monkeypatch):
    failing(monkeypatch, JobQueue, "next_waiting", 1_000_000, sqlite3.OperationalError("disk I/O error"))

    async def run():
        async with running_server(settings_in(tmp_path)):
            await asyncio.sleep(PATIENCE)

    with pytest.raises(ProtocolError, match=r"render worker.*disk I/O error"):
        asyncio.run(asyncio.wait_for(run(), PATIENCE))


BROKEN_SERVER = """
import sqlite3, sys
from bridge_server import supervisor
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.rendering.worker import RenderWorker
supervisor.Supervisor.__init__.__defaults__ = (supervisor.time.monotonic, 0.01)
def next_waiting(self):
    raise sqlite3.OperationalError("disk I/O error")
async def loads_nothing(self):
    pass
JobQueue.next_waiting = next_waiting
RenderWorker._warm_up = loads_nothing  # each time the worker is restarted it would start an engine
sys.argv = ["takebridge", "--store", sys.argv[1], "serve", "--port", "0", "--osc-port", "0"]
from bridge_server.__main__ import main
main()
"""


def test_the_command_ends_with_status_1_and_says_why(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", BROKEN_SERVER, str(tmp_path / "store")],
        capture_output=True, text=True, cwd=PROJECT, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-2:]
    assert "render worker" in last[0]
    assert "Accepted jobs are kept" in last[1]
