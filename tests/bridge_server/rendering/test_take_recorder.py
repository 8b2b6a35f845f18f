"""Finished takes are in the store before anybody learns of them, and are announced again when their job goes on."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bridge_server.jobs.database import open_database
from bridge_server.jobs.job import Job
from bridge_server.rendering.take_recorder import NO_CAPTION, NO_PLANNER, TakeRecorder, together
from bridge_server.sessions.events import Events, JobReply
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.song_tempos import SongTempos
from clip_store.audio.audio import Audio, Encoding
from clip_store.audio.tags import Tags
from clip_store.audio.xmp import SourceMark, encode_xmp
from clip_store.source_type import SourceType
from clip_store.store import ClipStore
from daw_protocol.recipe import BlueprintRecord
from daw_protocol.requests import Analyse, Extract
from model.blueprint import Blueprint
from model.engine import Report
from tests.bridge_server.renders import order_for, outcome_of
from tests.clip_store.sounds import noise
from tests.doubles import NoiseEngine

JOB = Job("j1", "client", "r", "extract", {})
SONG = Audio(noise(2000, seed=1).astype("float32"), 48000, Encoding.FLOAT)


@pytest.fixture
def parts(tmp_path):
    """A recorder on an empty store, and the replies it publishes with the ids the store has at that moment."""
    with contextlib.closing(open_database(tmp_path / "bridge.db")) as connection:
        events, published = Events(), []
        store = ClipStore(tmp_path / "store", connection)
        store.blobs.put(SONG)

        def note(event: JobReply) -> None:
            published.append((event.reply.number, event.reply.stem, store.index.get(event.reply.take).id))

        events.subscribe(JobReply, note)
        tempos = SongTempos(store, connection, SongReader(store, connection, (tmp_path,), 60))
        yield TakeRecorder(connection, store, events, tempos), published


async def record(recorder, folder, number):
    request = Extract(source="song.wav", start=0, end=1000)
    halves = dict.fromkeys(("vocals", "residual"), (0, SONG.samples[:1000] / 2))
    finished = await recorder.finish(order_for(request, SONG, number), outcome_of(folder, halves))
    assert recorder.recorded(JOB) == set(range(1, number)), "finished is not recorded"
    return await recorder.record(JOB, finished)


def test_all_clips_of_a_take_are_recorded_and_announced(parts, tmp_path):
    async def work() -> None:
        recorder, published = parts
        takes = await record(recorder, tmp_path, 1)
        assert [take.stem for take in takes] == ["vocals", "residual"]
        assert published == [(1, take.stem, take.id) for take in takes]
        assert (recorder.recorded(JOB), recorder.count(JOB)) == ({1}, 2)

    asyncio.run(work())


def test_a_variation_by_other_weights_says_so_in_its_recipe(parts, tmp_path):
    halves = dict.fromkeys(("vocals", "residual"), (0, SONG.samples[:1000] / 2))

    def outcome(digest):
        report = Report("Drawn.", {"weights_digest": digest}, weights="turbo")
        return replace(outcome_of(tmp_path, halves), report=report)

    async def work() -> None:
        recorder, _ = parts
        request = Extract(source="song.wav", start=0, end=1000)
        take, *_ = await recorder.record(
            JOB, await recorder.finish(order_for(request, SONG, 1), outcome("aa"))
        )
        for digest, origin, notes in (
            ("aa", take.id, 0),
            ("bb", take.id, 1),
            ("bb", "deleted", 0),
            ("bb", "", 0),
        ):
            context = order_for(request.evolve(origin=origin), SONG, 2)
            varied, *_ = await recorder.finish(context, outcome(digest))
            assert sum("other weights" in note for note in varied.take.recipe.notes) == notes

    asyncio.run(work())


def test_what_was_recorded_is_announced_again_in_its_order(parts, tmp_path):
    async def work() -> None:
        recorder, published = parts
        for number in (1, 2):
            await record(recorder, tmp_path, number)
        first = published[:]
        published.clear()
        assert await recorder.announce_recorded(JOB) == {1, 2}
        assert published == first

    asyncio.run(work())


MEASURES = NoiseEngine().describe()
DESCRIBES = replace(MEASURES, reads_words=True)


@pytest.mark.parametrize(
    ("engine", "found", "asked", "note"),
    [
        (MEASURES, Blueprint(tempo=121.0), {}, ()),
        (MEASURES, Blueprint(tempo=121.0), {"words": True}, (NO_PLANNER,)),
        (DESCRIBES, Blueprint(tempo=121.0), {"words": True}, (NO_CAPTION,)),
        (DESCRIBES, Blueprint(caption="slow bossa nova"), {"words": True}, ()),
    ],
    ids=["measured", "no planner", "a planner without words", "described"],
)
def test_what_an_engine_went_without_is_kept_with_what_it_found(
    parts, tmp_path, monkeypatch, engine, found, asked, note
):
    kept = []

    async def keep_found(job, source, found):
        kept.append((job, source, found.tempo, found.caption, found.notes))

    async def found_in(source):
        return None

    recorder, _ = parts
    monkeypatch.setattr(recorder._tempos, "keep_found", keep_found)
    monkeypatch.setattr(recorder._tempos, "found_in", found_in)
    report = Report("m", notes=("No weights.",))
    outcome = replace(outcome_of(tmp_path, {}), blueprint=found, report=report)
    plan: Any = SimpleNamespace(request=Analyse(source="song.wav", **asked))
    asyncio.run(recorder.record_found(JOB, "song.wav", plan, outcome, engine))
    assert kept == [("j1", "song.wav", found.tempo, found.caption, (*note, "No weights."))]


MEASURED = BlueprintRecord(tempo=121.0, downbeat=0.5, key="C major", notes=("Measured.",))
DESCRIBED = BlueprintRecord(tempo=60.0, caption="slow bossa nova", language="pt", notes=("Guessed.",))


def test_what_was_measured_and_what_was_described_are_known_together():
    both = MEASURED.evolve(caption="slow bossa nova", language="pt")
    assert together(DESCRIBED, MEASURED) == both.evolve(notes=("Guessed.",))
    assert together(MEASURED, DESCRIBED) == both
    nothing = DESCRIBED.evolve(caption="", language="", notes=("No caption.",))
    assert together(nothing, both) == both.evolve(notes=("No caption.",)), "what was written before stays"
    assert together(DESCRIBED, None) == together(DESCRIBED, DESCRIBED) == DESCRIBED
    assert together(MEASURED, MEASURED.evolve(tempo=60.0)) == MEASURED, "the newest measure counts"


def test_a_take_of_a_song_that_a_network_made_says_so(parts, tmp_path):
    async def work() -> None:
        recorder, _ = parts
        order = order_for(Extract(source="song.wav", start=0, end=1000), SONG)
        assert order.song is not None
        packet = encode_xmp(SourceMark(SourceType.TRAINED.address)).decode()
        marked = replace(order, song=replace(order.song, tags=Tags(xmp=packet)))
        halves = dict.fromkeys(("vocals", "residual"), (0, SONG.samples[:1000] / 2))
        for context, kind in ((order, "algorithmicallyEnhanced"), (marked, "compositeSynthetic")):
            finished = await recorder.finish(context, outcome_of(tmp_path, halves))
            assert {entry.take.recipe.source_type for entry in finished} == {kind}

    asyncio.run(work())
