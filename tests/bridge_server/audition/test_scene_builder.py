"""Scenes of takes in the store: both sides, other accepted takes, and matching gains."""

import dataclasses

import numpy as np
import pytest

from bridge_server.audition.passages import take_sound
from bridge_server.audition.scene_builder import SceneBuilder, scene_request
from bridge_server.jobs.database import open_database
from bridge_server.songs.mixdown import mixdown
from clip_store.audio.audio import Encoding, quantise
from clip_store.mix.accepted import AcceptedSong, accepted_in
from clip_store.mix.song_mix import SongMix
from clip_store.splice import splice, with_clip
from clip_store.store import ClipStore
from clip_store.take import Take, unmeasured
from daw_protocol.recipe import HeardSong
from daw_protocol.timeline import Span, TempoMap

RATE = 48000


def noise(frames, channels=2, seed=0):
    return np.random.default_rng(seed).uniform(-0.4, 0.4, (frames, channels)).astype(np.float32)


@pytest.fixture
def store(tmp_path):
    return ClipStore(tmp_path / "store", open_database(tmp_path / "takes.sqlite3"))


def take_in(store, song, clip, start, task="repaint", number=1, spliced=True):
    """A take as finishing records it."""
    audio = quantise(clip, RATE, song.encoding if spliced else Encoding.FLOAT).audio
    result = None
    if spliced:
        done = splice(song, clip, Span(start, start + len(clip)), 480)
        audio, result = done.clip, with_clip(song, done.clip, start).digest
    take = Take(
        id=f"t{number}{task}", job="j1", number=number, task=task, parent=store.blobs.put(song), audio=audio.digest,
        position=start + 1000, start=start, length=len(clip), rate=RATE, created=0.0, result=result,
        receipt=unmeasured(start + 1000, len(clip), RATE),
    )  # fmt: skip
    store.keep(take, audio)
    return take


def stem_in(store, song, clip, start, stem, job="j1", number=1):
    """One stem of a separation."""
    audio = quantise(clip, RATE, Encoding.FLOAT).audio
    take = Take(
        id=f"{job}{number}{stem}", job=job, number=number, task="extract", stem=stem, parent=store.blobs.put(song),
        audio=audio.digest, position=start + 1000, start=start, length=len(clip), rate=RATE, created=0.0,
        receipt=unmeasured(start + 1000, len(clip), RATE),
    )  # fmt: skip
    store.keep(take, audio)
    return take


@pytest.mark.parametrize("encoding", [Encoding.PCM_16, Encoding.PCM_24, Encoding.FLOAT])
@pytest.mark.parametrize(
    ("task", "start", "spliced"),
    [("repaint", 20000, True), ("complete", 47000, True), ("accompany", 0, False), ("lego", 44000, False),
     ("extract", 9000, False)],
)  # fmt: skip
def test_a_scene_plays_what_the_mixdown_has(store, encoding, task, start, spliced):
    song = quantise(noise(RATE), RATE, encoding).audio
    take = take_in(store, song, noise(9600, seed=1), start, task, spliced=spliced)
    scene = SceneBuilder(store.blobs).take_scene(
        scene_request(store.index, take, 1, 1), TempoMap.constant(120)
    )
    mixed = mixdown(store, take)
    whole = mixed.samples(0, mixed.form.frames).astype(np.float32)
    audio = scene.audio["take"]
    assert np.array_equal(audio.read(0, len(whole)), whole)
    assert np.array_equal(scene.audio["original"].read(0, RATE), song.samples.astype(np.float32))
    assert scene.origin == 1000
    assert not audio.read(-50, 50).any()
    assert not audio.read(len(whole) + 10, 50).any()


def test_takes_that_were_accepted_elsewhere_are_part_of_the_song(store):
    song = quantise(noise(RATE), RATE, Encoding.FLOAT).audio
    there = take_in(store, song, noise(4800, seed=1), 5000, number=1)
    rival = take_in(store, song, noise(4800, seed=2), 20000, number=2)
    here = take_in(store, song, noise(4800, seed=3), 20000, number=3)
    for take in (there, rival):
        store.index.choose(take.id)
    scene = SceneBuilder(store.blobs).take_scene(
        scene_request(store.index, here, 1, 1), TempoMap.constant(120)
    )
    for side in ("take", "original"):
        assert np.array_equal(scene.audio[side].read(5000, 4800), store.blobs.get(there.audio).samples)
    # What is chosen at the very place is neither take nor original.
    assert np.array_equal(scene.audio["original"].read(20000, 4800), song.samples[20000:24800])


def test_takes_of_no_song_are_compared_within_their_job_only(store):
    audio = quantise(noise(4800), RATE, Encoding.FLOAT).audio
    first = Take(
        id="t1", job="j1", number=1, task="generate", parent=None, audio=audio.digest, position=0, start=0, length=4800,
        rate=RATE, created=0.0, receipt=unmeasured(0, 4800, RATE),
    )  # fmt: skip
    second, other = (
        dataclasses.replace(first, id="t2", number=2),
        dataclasses.replace(first, id="t3", job="j2"),
    )
    for take in (first, second, other):
        store.keep(take, audio)
    found = scene_request(store.index, second, 2, 2)
    assert [take.id for take in found.siblings] == ["t1", "t2"]
    scene = SceneBuilder(store.blobs).take_scene(found, TempoMap.constant(120))
    assert list(scene.audio) == ["take"]


def test_the_louder_take_is_turned_down_and_nothing_is_turned_up(store):
    song = quantise(noise(RATE), RATE, Encoding.FLOAT).audio
    loud = take_in(store, song, noise(24000, seed=1) * 2, 1000, number=1)
    soft = take_in(store, song, noise(24000, seed=2) / 2, 1000, number=2)
    gains = {
        take.id: SceneBuilder(store.blobs)
        .take_scene(scene_request(store.index, take, 0, 0), TempoMap.constant(120))
        .gains_db
        for take in (loud, soft)
    }
    assert gains[soft.id]["take"] == 0.0
    assert gains[loud.id]["take"] == pytest.approx(-9.0)  # 12 dB louder; no more than 9 are taken away
    assert gains[loud.id]["original"] == gains[soft.id]["original"] == pytest.approx(-6.0, abs=0.3)


def test_a_comp_accepted_elsewhere_plays_as_in_the_finished_song(store):
    song = quantise(noise(RATE), RATE, Encoding.PCM_24).audio
    first, second = (take_in(store, song, noise(9600, seed=n), 4800, number=n) for n in (1, 2))
    other = take_in(store, song, noise(4800, seed=3), 30_000, number=3)
    store.index.choose(first.id)
    store.index.choose(second.id, Span(9600, 14_400))
    scene = SceneBuilder(store.blobs).take_scene(
        scene_request(store.index, other, 1, 1), TempoMap.constant(120)
    )
    mix = SongMix(accepted_in(store.index, song.digest), store.blobs)
    whole = mix.read(mix.span).samples
    assert len(mix.covering.joins) == 1
    assert np.array_equal(scene.audio["original"].read(0, len(whole)), whole)


def stood(take, heard):
    """The take as one that was made for the song with another in it."""
    record = HeardSong(digest=take.audio, parts=((heard.id, heard.start, heard.start + heard.length),))
    return dataclasses.replace(take, recipe=dataclasses.replace(take.recipe, heard=record))


def test_an_accepted_backing_plays_with_a_take_over_it_and_with_the_original(store):
    song = quantise(noise(RATE), RATE, Encoding.FLOAT).audio
    backing = take_in(store, song, noise(RATE, seed=2), 0, "lego", number=2, spliced=False)
    take = take_in(store, song, noise(9600, seed=1), 20000)
    store.index.choose(backing.id)
    request = scene_request(store.index, take, 1, 1)
    sides = SceneBuilder(store.blobs).sides(request)
    added = store.blobs.get(backing.audio).samples.astype(np.float64)
    for side, below in (("original", song.samples), ("take", store.song_with(take).samples)):
        assert np.allclose(sides[side].read(0, RATE), below + added, atol=1e-6), side
    assert take_sound(take, request.accepted) != take_sound(take, AcceptedSong("")), (
        "another sound, another name"
    )


def test_a_backing_plays_with_accepted_takes_but_not_with_another_backing_of_its_stem(store):
    song = quantise(noise(RATE), RATE, Encoding.FLOAT).audio
    repaint = take_in(store, song, noise(9600, seed=1), 20000)
    other = take_in(store, song, noise(RATE, seed=2), 0, "lego", number=2, spliced=False)
    take = take_in(store, song, noise(RATE, seed=3), 0, "lego", number=3, spliced=False)
    store.index.choose(repaint.id)
    store.index.choose(other.id)
    assert {comp.parts[0].take for comp in scene_request(store.index, take, 1, 1).accepted.comps} == {
        repaint.id
    }


def test_a_take_plays_over_what_it_was_made_for_and_over_nothing_else_that_is_accepted_there(store):
    song = quantise(noise(RATE), RATE, Encoding.FLOAT).audio
    below = take_in(store, song, noise(20000, seed=1), 10000)
    store.index.choose(below.id)
    over = take_in(store, song, noise(20000, seed=2), 20000, number=2)
    assert not scene_request(store.index, over, 1, 1).accepted.comps
    knowing = stood(over, below)
    sides = SceneBuilder(store.blobs).sides(scene_request(store.index, knowing, 1, 1))
    expected = with_clip(
        with_clip(song, store.blobs.get(below.audio), 10000), store.blobs.get(over.audio), 20000
    )
    assert np.array_equal(sides["take"].read(0, RATE), expected.samples)
