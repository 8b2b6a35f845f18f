"""kill -9 at random moments: no accepted job is lost or done twice, and no record is without its audio.

The sketch engine renders a small song; the server and its engine's process really are killed. A few kills each: many,
of hosts and clients too and with every sound compared, are `python -m benchmarks.faults --only kill`.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from bridge_server.handlers.status import problems_in
from bridge_server.jobs.database import DATABASE, open_database
from clip_store.store import ClipStore
from tests.bridge_server.peers import (
    PATIENCE,
    TERMINAL,
    OscPeer,
    Received,
    ServerProcess,
    band_song,
    free_port,
    websocket,
)

pytestmark = pytest.mark.slow

JOBS = 10
KILLS = 4
TAKES = 2


class Run:
    """Ten jobs, and what their client received."""

    def __init__(self, server: ServerProcess, osc: OscPeer) -> None:
        self.server = server
        self.osc = osc
        self.jobs: dict[str, str] = {}  # request id -> job, as acknowledged
        self.ends: Counter[str] = Counter()
        self.takes: Counter[str] = Counter()

    def send(self, number: int) -> None:
        """Asks for one render; bars 2 to 6 in turn, so that the jobs are of several kinds."""
        bar = 2 + number % 5
        self.osc.send("/bridge/repaint", f"job-{number}", "source", "band.wav", "bars", f"{bar}-{bar}", "bpm", 120.0,
                      "takes", TAKES, "seed", number, "handles", 0.1)  # fmt: skip

    def listen(self, seconds: float) -> None:
        """Takes in what comes for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                self.take_in(self.osc.receive(left))
            except TimeoutError:
                return

    def receive_progress(self) -> None:
        """Takes in what comes until a render is under way."""
        while (reply := self.osc.receive()).name != "progress":
            self.take_in(reply)

    def take_in(self, reply: Received) -> None:
        if reply.name == "ack":
            self.jobs[reply["id"]] = reply["job"]
        if reply.name == "take":
            self.takes[reply["take"]] += 1
        if reply.name in TERMINAL:
            self.ends[reply["id"]] += 1

    def accept_all(self) -> None:
        """Repeats every request that was never acknowledged, as a client of UDP must."""
        for number in range(JOBS):
            while f"job-{number}" not in self.jobs:
                self.send(number)
                self.listen(0.2)

    def finished(self) -> bool:
        with websocket(self.server.address["websocket_port"]) as peer:
            jobs = peer.call("jobs.list", limit=1000)["jobs"]
            return all(job["state"] in TERMINAL for job in jobs) and len(jobs) >= JOBS

    def engine_pids(self) -> list[int]:
        with websocket(self.server.address["websocket_port"]) as peer:
            return list(peer.call("status")["engine_processes"].values())


@pytest.fixture
def run(tmp_path: Path, request: pytest.FixtureRequest):
    songs = tmp_path / "songs"
    songs.mkdir()
    band_song(songs / "band.wav")
    server = ServerProcess(tmp_path / "store", songs, free_port(), ("--places", str(request.param))).start()
    osc = OscPeer(server.osc_port)
    yield Run(server, osc)
    server.stop()
    osc.close()


def check(store: Path, run: Run) -> Counter[str]:
    """What lies on the disk after everything; returns how the jobs ended."""
    with contextlib.closing(open_database(store / DATABASE)) as connection:
        kept = ClipStore(store, connection)
        rows = {row["request_id"]: row for row in connection.execute("SELECT * FROM jobs")}
        assert {name: row["id"] for name, row in rows.items()} == run.jobs
        assert len(rows) == JOBS, "a job was lost, or one was accepted twice"
        assert all(row["state"] in TERMINAL for row in rows.values())
        takes = kept.index.list(limit=1000)
        numbers = Counter((take.job, take.number) for take in takes)
        assert max(numbers.values(), default=1) == 1, "a take was rendered twice"
        for row in rows.values():
            made = [take for take in takes if take.job == row["id"]]
            if row["state"] == "done":
                assert len(made) == TAKES
            else:
                assert row["state"] == "failed"
                assert "remedy" in row["failure"]
        assert all(kept.blobs.get(take.audio).frames == take.length for take in takes)
        assert problems_in(kept.blobs, kept.index.referenced_digests()) == []
        assert [path for path in (store / "scratch").rglob("*") if path.is_file()] == []
        states = Counter(row["state"] for row in rows.values())
        states["begun again"] = sum(row["attempts"] > 1 for row in rows.values())
        # Later starts must not find anything to do either.
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    return states


@pytest.mark.parametrize("run", [1], indirect=True, ids=["one place"])
def test_kills_of_the_server_lose_no_job(run, tmp_path):
    moments = random.Random(2026)
    for number in range(JOBS):
        run.send(number)
    for number in range(KILLS):
        if (
            number % 3 and len(run.ends) < JOBS
        ):  # in the middle of a render; each third time earlier, while it starts
            run.receive_progress()
        run.listen(moments.uniform(0.0, 1.0))
        run.server.kill()
        run.server.start()
        run.accept_all()
    deadline = time.monotonic() + PATIENCE
    while not run.finished():
        assert time.monotonic() < deadline
        run.listen(0.5)
    run.listen(0.1)
    run.server.stop()
    states = check(tmp_path / "store", run)
    assert states["done"] >= JOBS // 2, states
    assert states["begun again"] >= 1, "no kill met a render"
    assert max(run.ends.values()) == 1, "a job ended twice"
    run.server.start()
    assert run.finished()


@pytest.mark.parametrize("run", [2], indirect=True, ids=["two places"])
def test_kills_of_the_engine_lose_no_job(run, tmp_path):
    moments = random.Random(1962)
    for number in range(JOBS):
        run.send(number)
    killed = 0
    while killed < KILLS and not run.finished():
        run.listen(moments.uniform(0.05, 0.8))
        for pid in run.engine_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
    run.accept_all()
    deadline = time.monotonic() + PATIENCE
    while len(run.ends) < JOBS:
        assert time.monotonic() < deadline
        run.listen(0.5)
    assert killed >= 3
    assert max(run.ends.values()) == 1
    run.server.stop()
    states = check(tmp_path / "store", run)
    assert states["failed"] <= killed
    assert states["done"] >= JOBS - killed
    run.server.start()


def test_a_repeated_id_is_answered_after_a_restart(tmp_path):
    songs = tmp_path / "songs"
    songs.mkdir()
    band_song(songs / "band.wav", bars=8)
    server = ServerProcess(tmp_path / "store", songs, free_port()).start()
    osc = OscPeer(server.osc_port)
    arguments = ("source", "band.wav", "bars", "2-3", "bpm", 120, "client", "left")
    try:
        first = osc.render("/bridge/repaint", "again", *arguments)
        server.kill()
        server.start()
        again = osc.render("/bridge/repaint", "again", *arguments)
    finally:
        server.stop()
        osc.close()
    assert [reply.name for reply in again] == ["ack", "take", "done"]
    assert again[0]["job"] == first[0]["job"]
    took = [[reply["take"] for reply in replies if reply.name == "take"] for replies in (first, again)]
    assert took[0] == took[1]
