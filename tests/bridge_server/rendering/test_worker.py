"""Jobs as the worker carries them out: takes recorded once, resumed without doubles, given up after too many deaths."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time

import pytest

from bridge_server.handlers.status import problems_in
from bridge_server.jobs.database import DATABASE, open_database
from bridge_server.jobs.job import JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.rendering import take_recorder
from bridge_server.settings import Limits
from clip_store.errors import StoreError
from clip_store.store import ClipStore
from tests.bridge_server.peers import PATIENCE, ServerThread, band_song, noise_song
from tests.bridge_server.servers import settings_in

REGION = ("source", "song.wav", "start", 1000, "end", 5000)


@pytest.fixture(params=[1, 2], ids=["one place", "two places"])
def settings(tmp_path, request):
    found = settings_in(tmp_path, limits=Limits(attempts=2), places=request.param)
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
        replies = osc.render("/bridge/repaint", "job", *REGION, "takes", 3, "seed", 5, "client", "daw")
        job = replies[0]["job"]
        before = server.takes()
    with contextlib.closing(open_database(settings.store / DATABASE)) as connection:
        connection.execute("DELETE FROM take WHERE id = ?", (before[0].id,))
    killed_while_running(settings, job, attempts=1)
    with ServerThread(settings) as server, server.osc() as osc:
        replies = osc.render("/bridge/repaint", "job", *REGION, "takes", 3, "seed", 5, "client", "daw")
        assert replies[-1].name == "done"
        after = server.takes(job=job)
    reported = {reply["number"] for reply in replies if reply.name == "take"}
    assert reported == {1, 2, 3}, "its client may not have received the first ones"
    assert sorted(take.number for take in after) == [1, 2, 3]
    assert {take.id for take in before[1:]} < {take.id for take in after}
    assert after[0].audio == before[0].audio, "the same seed gives the same take again"


def test_a_resumed_job_has_its_takes_rendered_together_as_it_had_before(settings):
    asked = (*REGION, "takes", 4, "engine", "together", "client", "daw")
    with ServerThread(settings) as server, server.osc() as osc:
        job = osc.render("/bridge/repaint", "job", *asked)[0]["job"]
        ordered = [take.recipe.figures["ordered"] for take in server.takes()]
    assert min(ordered) > 1
    with contextlib.closing(open_database(settings.store / DATABASE)) as connection:
        connection.execute("DELETE FROM take")
    killed_while_running(settings, job, attempts=1)
    with ServerThread(settings) as server, server.osc() as osc:
        osc.render("/bridge/repaint", "job", *asked)
        assert [take.recipe.figures["ordered"] for take in server.takes(job=job)] == ordered


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


@pytest.mark.parametrize("held", ["finish", "record"])
def test_a_job_cancelled_while_its_receipt_is_written_ends_cancelled(settings, monkeypatch, held):
    """Its audio is rendered, and neither measured nor recorded yet: no take comes after the acknowledgement."""
    writing, go_on = threading.Event(), threading.Event()

    def held_up(really):
        def wait(*given):
            writing.set()
            assert go_on.wait(PATIENCE)
            return really(*given)

        return wait

    if held == "finish":
        monkeypatch.setattr(take_recorder, "finish", held_up(take_recorder.finish))
    else:
        monkeypatch.setattr(ClipStore, "clip_path", held_up(ClipStore.clip_path))
    with ServerThread(settings) as server, server.osc() as osc:
        osc.send("/bridge/repaint", "job", *REGION)
        assert writing.wait(PATIENCE)
        osc.send("/bridge/cancel", "job")
        while (reply := osc.receive()).name != "ok":
            pass
        assert "is being cancelled" in reply["text"]
        go_on.set()
        replies = osc.until_end("job")
        assert replies[-1].name == "cancelled"
        assert [each for each in replies if each.name == "take"] == []
        assert server.takes() == ()
        monkeypatch.undo()
        assert osc.render("/bridge/repaint", "next", *REGION)[-1].name == "done"


def test_a_failure_after_an_acknowledged_cancel_ends_cancelled_too(settings, monkeypatch):
    writing, go_on = threading.Event(), threading.Event()

    def fails(*_given):
        writing.set()
        assert go_on.wait(PATIENCE)
        raise StoreError("The store cannot be written.", "Free some disk space.")

    monkeypatch.setattr(take_recorder, "finish", fails)
    with ServerThread(settings) as server, server.osc() as osc:
        osc.send("/bridge/repaint", "job", *REGION)
        assert writing.wait(PATIENCE)
        osc.send("/bridge/cancel", "job")
        while osc.receive().name != "ok":
            pass
        go_on.set()
        assert osc.until_end("job")[-1].name == "cancelled"


BARS = ("source", "band.wav", "bpm", 120, "bars", "5-6", "engine", "sketch", "seed", 7)


def with_places(folder, places: int, **changes):
    """Settings of a server with so many places, and a song to rearrange."""
    found = settings_in(folder, places=places, **changes)
    band_song(found.roots[0] / "band.wav", 10)
    noise_song(found.roots[0] / "song.wav", 9000)
    return found


@pytest.fixture(scope="module")
def in_order(tmp_path_factory):
    """Four takes of the sketch engine, one after the other in one place: their audio by number."""
    with ServerThread(with_places(tmp_path_factory.mktemp("one"), 1)) as server, server.osc() as osc:
        replies = osc.render("/bridge/repaint", "four", *BARS, "takes", 4)
        assert replies[-1].name == "done", replies[-1].values
        found = {take.number: take.audio for take in server.takes()}
        assert len(set(found.values())) == 4
        return found


def test_four_takes_in_two_places_are_those_of_one_place(tmp_path, in_order):
    """Bit for bit, in the order of their numbers, and both places did some."""
    with ServerThread(with_places(tmp_path, 2)) as server, server.osc() as osc:
        replies = osc.render("/bridge/repaint", "four", *BARS, "takes", 4)
        assert [reply["number"] for reply in replies if reply.name == "take"] == [1, 2, 3, 4]
        assert {take.number: take.audio for take in server.takes()} == in_order
        assert set(server.on_loop(server.server.engines.pids)) == {"noise", "sketch", "sketch 2"}
        fractions = [reply["fraction"] for reply in replies if reply.name == "progress"]
        assert fractions == sorted(fractions)
        assert any("takes 1 and 2 of 4" in reply["stage"] for reply in replies if reply.name == "progress")
        assert server.holdings()[2] == []


@pytest.mark.skipif(os.name != "posix", reason="processes are killed the POSIX way")
def test_a_place_killed_in_the_middle_loses_nothing(tmp_path, in_order):
    with ServerThread(with_places(tmp_path, 2)) as server, server.osc() as osc:
        osc.send("/bridge/repaint", "four", *BARS, "takes", 4)
        replies, killed = [], 0
        while not replies or replies[-1].name not in ("done", "failed"):
            replies.append(osc.receive())
            pid = server.on_loop(server.server.engines.pids).get("sketch 2")
            if pid and not killed and "takes 1 and 2" in replies[-1].values.get("stage", ""):
                killed = pid
                os.kill(pid, signal.SIGKILL)
        assert killed
        assert replies[-1].name == "done", replies[-1].values
        assert [reply["number"] for reply in replies if reply.name == "take"] == [1, 2, 3, 4]
        assert {take.number: take.audio for take in server.takes()} == in_order
        fractions = [reply["fraction"] for reply in replies if reply.name == "progress"]
        assert fractions == sorted(fractions)


def test_two_jobs_render_at_once_and_the_third_waits(tmp_path, monkeypatch):
    with ServerThread(with_places(tmp_path, 2)) as server, server.osc() as osc, server.websocket() as ws:
        slow = {
            "source": "song.wav",
            "start": 1000,
            "end": 5000,
            "engine": "slow",
            "options": {"seconds": 60},
        }
        jobs = [ws.call("repaint", **slow)["job"] for _ in range(3)]
        while len(renders := ws.call("status")["renders"]) < 2:
            time.sleep(0.02)
        assert [(each["job"], each["takes"], each["engine"], each["place"]) for each in renders] == [
            (jobs[0], [1], "slow", "this machine"),
            (jobs[1], [1], "slow", "this machine 2"),
        ]
        states = {job["job"]: job["state"] for job in ws.call("jobs.list")["jobs"]}
        assert [states[job] for job in jobs] == ["running", "running", "queued"]
        searched = []  # a long queue is searched when a place is free, not with each request
        with monkeypatch.context() as patch:
            patch.setattr(JobQueue, "next_waiting", lambda *_: searched.append(1))
            for _ in range(2):
                assert ws.call("repaint", **slow)["state"] == "queued"
            ws.call("status")
        assert searched == []
        for job in ws.call("jobs.list")["jobs"][:2]:
            ws.call("cancel", job=job["job"])
        # Another engine has places of its own.
        assert osc.render("/bridge/repaint", "quick", *REGION)[-1].name == "done"
        ws.call("cancel", job=jobs[0])
        while [each["job"] for each in ws.call("status")["renders"]] != jobs[1:]:
            time.sleep(0.02)
        for job in jobs[1:]:
            ws.call("cancel", job=job)
        ends = [ws.until_end(job)[-1].name for job in jobs[2:]]
        assert ends == ["cancelled"]


def test_a_cancelled_job_stops_in_all_its_places(tmp_path):
    with ServerThread(with_places(tmp_path, 2)) as server, server.websocket() as ws:
        slow = {
            "source": "song.wav",
            "start": 1000,
            "end": 5000,
            "engine": "slow",
            "options": {"seconds": 60},
        }
        job = ws.call("repaint", **slow, takes=4)["job"]
        while "rendering (takes 1 and 2" not in ws.call("jobs.show", job=job).get("progress", {}).get(
            "stage", ""
        ):
            time.sleep(0.02)
        pids = server.on_loop(server.server.engines.pids)
        ws.call("cancel", job=job)
        assert ws.until_end(job)[-1].name == "cancelled"
        assert ws.call("status")["renders"] == []
        assert server.takes() == ()
        assert server.on_loop(server.server.engines.pids) == pids, (
            "both places stopped when they were asked to"
        )


def test_takes_that_an_engine_renders_together_are_recorded_one_by_one(settings):
    with ServerThread(settings) as server, server.osc() as osc:
        osc.render("/bridge/repaint", "first", *REGION, "engine", "together", "takes", 1)
        replies = osc.render(
            "/bridge/repaint", "all", *REGION, "engine", "together", "takes", 3, "seed", 5, "handles", 0.0
        )
        assert [reply["number"] for reply in replies if reply.name == "take"] == [1, 2, 3]
        alone = osc.render(
            "/bridge/repaint", "alone", *REGION, "engine", "noise", "takes", 3, "seed", 5, "handles", 0.0
        )
        takes = {take.id: take for take in server.takes()}
        together, apart = (
            [takes[reply["take"]] for reply in received if reply.name == "take"]
            for received in (replies, alone)
        )
        assert [take.audio for take in together] == [take.audio for take in apart]
        ordered = {take.recipe.figures["ordered"] for take in together}
        assert max(ordered) == (3 if settings.places == 1 else 2)


def test_what_the_engine_knows_of_the_music_comes_with_the_take(tmp_path):
    with ServerThread(with_places(tmp_path, 1)) as server, server.websocket() as ws:
        replies = ws.render("accompany", source="band.wav", bpm=120, bars="1-4", engine="sketch", seed=3)
        assert replies[-1].name == "done", replies[-1].values
        clips = [reply["take"] for reply in replies if reply.name == "take"]
        recipe = ws.call("takes.show", take=clips[0])["recipe"]
        blueprint = recipe["blueprint"]
        assert (blueprint["tempo"], blueprint["meter"]) == (120, "4/4")
        assert blueprint["key"] == recipe["figures"]["key"]
        chart = " ".join(recipe["figures"]["chords"]).split()
        assert [chord["name"] for chord in blueprint["chords"]] == [
            name for name, before in zip(chart, [None, *chart], strict=False) if name != before
        ]
        assert all(0 <= chord["time"] < 8 for chord in blueprint["chords"])
        others = [ws.call("takes.show", take=clip)["recipe"]["blueprint"] for clip in clips]
        assert others == [blueprint] * len(clips)
    with ServerThread(with_places(tmp_path, 1)) as server, server.websocket() as ws:
        assert ws.call("takes.show", take=clips[0])["recipe"]["blueprint"] == blueprint, "it is stored"
