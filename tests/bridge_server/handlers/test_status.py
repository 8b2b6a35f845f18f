import asyncio
import contextlib
import os
import threading
import time

import pytest

from bridge_server.engines.pool import EnginePool
from bridge_server.handlers.running_requests import RunningRequests
from bridge_server.handlers.status import StatusHandlers
from bridge_server.handlers.store_check import SWEEPING
from bridge_server.jobs.database import open_database, transaction
from bridge_server.jobs.job import Job, JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.rendering.worker import RenderWorker
from bridge_server.sessions.events import Events
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.song_tempos import SongTempos
from bridge_server.supervisor import Supervisor
from clip_store.atomic_file import temporary_path
from clip_store.store import ClipStore
from clip_store.take import Take, unmeasured
from daw_protocol import requests
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.handlers.asking import Asking
from tests.bridge_server.servers import settings_in
from tests.clip_store.sounds import song

PARENT, CLIP = song(9600), song(1000, seed=1)


class NoParts(Supervisor):
    """A supervisor of nothing, made outside an event loop."""

    def __init__(self):
        self._parts, self._status = {}, {}


@pytest.fixture
def parts(tmp_path):
    """Answers, store and queue of a server that renders nothing; the store holds one take."""
    settings = settings_in(tmp_path)
    with contextlib.closing(open_database(settings.store / "bridge.db")) as connection:
        store = ClipStore(settings.store, connection)
        queue = JobQueue(connection, 10)
        reader = SongReader(store, connection, settings.roots, 60)
        engines = EnginePool(settings.engines)
        tempos = SongTempos(store, connection, reader)
        worker = RenderWorker(settings, connection, store, queue, Events(), reader, engines, tempos)
        take = Take(
            "t1", "j1", 1, "repaint", store.blobs.put(PARENT), CLIP.digest, 0, 0, 1000, 48000, 1.0,
            receipt=unmeasured(0, 1000, 48000),
        )  # fmt: skip
        with transaction(connection):
            store.keep(take, CLIP)
        yield (
            StatusHandlers(settings, queue, store, worker, engines, NoParts(), RunningRequests()),
            store,
            queue,
        )


def asked(answer):
    return asyncio.run(answer)


def aged(store, *digests):
    """Lets blobs look ten days older than the sweep's grace."""
    for digest in digests:
        os.utime(store.blobs.path(digest), (0, 0))


def test_who_asks_while_the_store_is_verified_gets_the_same_answer(parts, monkeypatch):
    """A surface's key that repeats must not have the whole store read sixty times."""
    answers, store, _ = parts
    readings = []
    monkeypatch.setattr(store.blobs, "verify", lambda _: readings.append(1) or time.sleep(0.05) or ())

    async def ask():
        first = [answers.verify(requests.VerifyStore(id="v"), Asking()) for _ in range(60)]
        together = await asyncio.gather(*first)
        return [*together, await answers.verify(requests.VerifyStore(id="v"), Asking())]

    assert [found.result.problems for found in asked(ask())] == [()] * 61
    assert len(readings) == 2


def test_sweep_removes_what_crashes_left_anywhere_in_the_store(parts):
    answers, store, _ = parts
    folders = [store.root / name for name in ("clips/2026-01", "exports", "takes", "")]
    left = [temporary_path(folder / "a.wav") for folder in folders]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (0, 0))
    asked(answers.sweep(requests.SweepStore(id="s"), Asking()))
    assert [path for path in left if path.exists()] == []


def test_verify_finds_damage_and_loss(parts):
    answers, store, _ = parts
    whole = asked(answers.verify(requests.VerifyStore(id="v"), Asking()))
    assert whole.result.problems == ()
    path = store.blobs.path(CLIP.digest)
    path.write_bytes(path.read_bytes()[:-10] + b"0123456789")
    store.blobs.path(PARENT.digest).unlink()
    found = asked(answers.verify(requests.VerifyStore(id="v"), Asking()))
    damaged, missing = found.result.problems
    assert "damaged" in damaged
    assert path.name in damaged
    assert PARENT.digest[:12] in missing
    assert found.replies[0].text.startswith("2 problems: ")


def test_the_sweep_keeps_what_takes_need_and_what_is_young(parts):
    answers, store, _ = parts
    stray = store.blobs.put(song(77))
    aged(store, PARENT.digest, CLIP.digest)
    assert asked(answers.sweep(requests.SweepStore(id="s"), Asking())).result.removed == 0
    aged(store, stray)
    assert asked(answers.sweep(requests.SweepStore(id="s"), Asking())).result.removed == 1
    assert not store.blobs.has(stray)
    store.index.delete("t1")
    assert asked(answers.sweep(requests.SweepStore(id="s"), Asking())).result.removed == 2


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.DONE])
def test_the_sweep_keeps_the_songs_of_jobs_that_are_not_done(parts, state):
    answers, store, queue = parts
    digest = store.blobs.put(song(77))
    job = Job("j2", "c", "r", "repaint", {"source": f"audio:{digest}"}, created=1.0)
    queue.add(job)
    if state is not JobState.QUEUED:
        job = queue.move(job, JobState.RUNNING, 2.0)
    if state is JobState.DONE:
        queue.move(job, JobState.DONE, 3.0)
    aged(store, digest)
    asked(answers.sweep(requests.SweepStore(id="s"), Asking()))
    assert store.blobs.has(digest) == (state is not JobState.DONE)


def test_a_sweep_tells_how_far_it_is_and_can_be_cancelled(parts, monkeypatch):
    answers, store, _ = parts
    strays = [store.blobs.put(song(seed)) for seed in (77, 78, 79)]
    aged(store, *strays)
    asking, plain = Asking(), store.blobs.sweep

    def sweep(keep, older, now, progress):
        """Cancelled when one file has gone."""

        def told(fraction):
            if not all(map(store.blobs.has, strays)):
                loop.call_soon_threadsafe(answers._running.of_client("s", asking).cancel)
                cancelled.wait(60)
            progress(fraction)

        return plain(keep, older, now, told)

    monkeypatch.setattr(store.blobs, "sweep", sweep)
    cancelled = threading.Event()

    async def swept():
        nonlocal loop
        loop = asyncio.get_running_loop()
        try:
            await answers.sweep(requests.SweepStore(id="s"), asking)
        finally:
            cancelled.set()

    loop = None
    with pytest.raises(ProtocolError) as caught:
        asyncio.run(swept())
    assert (caught.value.code, caught.value.remedy) == (
        ErrorCode.CANCELLED,
        "Sweep again to remove the rest.",
    )
    assert sum(map(store.blobs.has, strays)) == 2
    assert [(one.id, one.stage, one.fraction) for one in asking.sent] == [("s", SWEEPING, 0.0)]
    monkeypatch.undo()
    assert asked(answers.sweep(requests.SweepStore(id="s"), asking)).result.removed == 2
