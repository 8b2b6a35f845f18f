"""Jobs as the worker carries them out: takes recorded once, resumed without doubles, given up after too many deaths."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from bridge_server.handlers.status import problems_in
from bridge_server.jobs.database import open_database
from bridge_server.jobs.job import JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.server import DATABASE
from bridge_server.settings import Limits
from clip_store.store import ClipStore
from tests.bridge_server.peers import ServerThread, noise_song
from tests.bridge_server.servers import settings_in

REGION = ("source", "song.wav", "start", 1000, "end", 5000)


@pytest.fixture
def settings(tmp_path):
    found = settings_in(tmp_path, limits=Limits(attempts=2))
    noise_song(found.roots[0] / "song.wav", 9000)
    return found


def killed_while_running(settings, job: str, attempts: int) -> None:
    """Makes the database what a server leaves that was killed while it rendered that job."""
    with contextlib.closing(open_database(settings.store / DATABASE)) as connection:
        connection.execute(
            "UPDATE jobs SET state = 'running', ended = NULL, attempts = ? WHERE id = ?", (attempts, job)
        )


def test_a_job_that_was_under_way_is_resumed_without_its_recorded_takes(settings):
    with ServerThread(settings) as server, server.osc() as osc:
        replies = osc.render("/bridge/repaint", "job", *REGION, "takes", 3, "seed", 5)
        job = replies[0]["job"]
        before = server.takes()
    with contextlib.closing(open_database(settings.store / DATABASE)) as connection:
        connection.execute("DELETE FROM take WHERE id = ?", (before[0].id,))
    killed_while_running(settings, job, attempts=1)
    with ServerThread(settings) as server, server.osc() as osc:
        replies = osc.render("/bridge/repaint", "job", *REGION)
        assert replies[-1].name == "done"
        after = server.takes(job=job)
    reported = {reply["number"] for reply in replies if reply.name == "take"}
    assert reported == {1, 2, 3}, "its client may not have received the first ones"
    assert sorted(take.number for take in after) == [1, 2, 3]
    assert {take.id for take in before[1:]} < {take.id for take in after}
    assert after[0].audio == before[0].audio, "the same seed gives the same take again"


def test_a_job_that_kills_the_server_again_and_again_is_given_up_and_reported(settings):
    with ServerThread(settings) as server, server.osc() as osc:
        job = osc.render("/bridge/repaint", "job", *REGION)[0]["job"]
    killed_while_running(settings, job, attempts=2)
    with ServerThread(settings) as server, server.osc() as osc:
        last = osc.render("/bridge/repaint", "job", *REGION)[-1]
    assert (last.name, last["code"]) == ("failed", "engine_died")
    assert last["remedy"]


def test_jobs_of_an_earlier_run_come_before_new_ones(settings):
    with ServerThread(settings) as server, server.osc() as osc:
        first = osc.render("/bridge/repaint", "old", *REGION)[0]["job"]
    killed_while_running(settings, first, attempts=1)
    with ServerThread(settings) as server, server.osc() as osc:
        osc.render("/bridge/repaint", "new", *REGION)
        with contextlib.suppress(asyncio.CancelledError):
            queue = server.on_loop(lambda: JobQueue(server.server.store.index._connection, 10).get(first))
        assert queue.state is JobState.DONE


def test_everything_of_a_finished_job_is_in_the_store(settings):
    with ServerThread(settings) as server, server.osc() as osc:
        osc.render("/bridge/extract", "stems", "source", "song.wav")
        osc.render("/bridge/repaint", "job", *REGION, "takes", 2)
        assert server.holdings()[2] == []
    with contextlib.closing(open_database(settings.store / DATABASE)) as connection:
        store = ClipStore(settings.store, connection)
        assert problems_in(store.blobs, store.index.referenced_digests()) == []
        takes = store.index.list()
        assert len(takes) == 4
        assert all(store.blobs.has(digest) for take in takes for digest in take.digests)


def test_a_job_whose_engine_is_still_loading_is_cancelled_at_once(settings):
    with ServerThread(settings) as server, server.osc() as osc:
        osc.send("/bridge/repaint", "waits", *REGION, "engine", "sleepy")
        while osc.receive().values.get("stage", "") != "waking up":
            pass
        began = time.monotonic()
        osc.send("/bridge/cancel", "waits")
        assert osc.until_end("waits")[-1].name == "cancelled"
        assert time.monotonic() - began < 5, "loading takes a minute"
        assert osc.render("/bridge/repaint", "next", *REGION)[-1].name == "done"
