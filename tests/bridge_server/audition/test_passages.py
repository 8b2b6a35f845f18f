"""Passages: what the audition would play, as a record, and its sides as WAV files in parts."""

import asyncio
import io
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from bridge_server.audition.layered_audio import LayeredAudio
from bridge_server.audition.partial_scene import partial_scene
from bridge_server.audition.passages import MAX_FRAMES, Passages, PassageWave
from bridge_server.audition.scene_builder import SceneBuilder, scene_request
from bridge_server.audition.state import Bars
from bridge_server.jobs.database import open_database
from bridge_server.rendering.partial_render import PartialRenders
from bridge_server.sessions.events import Events
from bridge_server.songs.sources import Song
from clip_store.audio.audio import Encoding, quantise
from clip_store.store import ClipStore
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import AtSample, TempoMap
from tests.bridge_server.audition.test_scene_builder import RATE, noise, stem_in, take_in
from tests.bridge_server.partial_renders import BAR, SONG, begun, grow

ALL = (None, None)


@pytest.fixture
def store(tmp_path):
    return ClipStore(tmp_path / "store", open_database(tmp_path / "takes.sqlite3"))


@pytest.fixture
def live():
    return PartialRenders(Events())


@pytest.fixture
def passages(store, live):
    return Passages(store.index, SceneBuilder(store.blobs), live)


def read(wave):
    """The file as another program reads it."""
    return soundfile.read(io.BytesIO(wave.read(0, wave.size)), dtype="float32", always_2d=True)[0]


def side(passage, name):
    (found,) = (one for one in passage.sides if one.side == name)
    return found


@pytest.mark.parametrize(
    ("task", "spliced", "around"),
    [("repaint", True, "original"), ("accompany", False, "original"), ("extract", False, "silence")],
)
def test_the_sides_are_those_of_the_scene(store, passages, task, spliced, around):
    """Put together as the record says, they are sample for sample what the bridge's machine plays."""
    song = quantise(noise(3 * RATE), RATE, Encoding.PCM_24).audio
    take = take_in(store, song, noise(9600, seed=1), 20000, task, spliced=spliced)
    scene = SceneBuilder(store.blobs).take_scene(
        scene_request(store.index, take, 1, 1), TempoMap.constant(120)
    )
    found = asyncio.run(passages.of_take(take, Bars(1, 1), ALL))
    assert (found.take, found.song, found.rate, found.channels) == (take.id, take.parent, RATE, 2)
    assert (found.origin, found.start, found.end) == (1000, scene.loop_range.start, scene.loop_range.end)
    assert found.loops
    mine, original = side(found, "take"), side(found, "original")
    assert (mine.start, mine.end, mine.around) == (21000, 30600, around)
    assert (original.start, original.end, original.around) == (1000, 1000 + 3 * RATE, "silence")
    assert [one.match_db for one in (mine, original)] == [scene.gains_db[one] for one in ("take", "original")]
    whole = read(asyncio.run(passages.take_wave(take.id, "original", original.sound, 0, 3 * RATE)))
    assert np.array_equal(whole, song.samples.astype(np.float32))
    if around == "silence":
        whole[:] = 0
    whole[20000:29600] = read(asyncio.run(passages.take_wave(take.id, "take", mine.sound, None, None)))
    assert np.array_equal(whole, scene.audio["take"].read(0, 3 * RATE))


def test_sounds_have_other_names_when_something_else_is_accepted(store, passages):
    song = quantise(noise(RATE), RATE, Encoding.FLOAT).audio
    there = take_in(store, song, noise(4800, seed=1), 5000, number=1)
    here = take_in(store, song, noise(4800, seed=2), 20000, number=2)
    backing = take_in(store, song, noise(4800, seed=3), 20000, "accompany", 3, spliced=False)

    def shown(take):
        found = asyncio.run(passages.of_take(take, Bars(0, 0), ALL))
        return found.place, side(found, "take").sound, side(found, "original").sound

    before = [shown(take) for take in (here, backing)]
    store.index.choose(there.id)
    after = [shown(take) for take in (here, backing)]
    (place, mine, original), (_, backed, same) = before
    assert original == same
    assert after[0][0] != place
    assert after[0][1] == mine, "it stays as it is"
    assert after[1][1] != backed, "the song below is in it"
    assert after[0][2] == after[1][2] != original
    with pytest.raises(ProtocolError) as raised:
        asyncio.run(passages.take_wave(here.id, "original", original, 0, 10))
    assert raised.value.code is ErrorCode.FILE_CHANGED
    sound = read(asyncio.run(passages.take_wave(here.id, "original", after[0][2], 5000, 4800)))
    assert np.array_equal(sound, store.blobs.get(there.audio).samples)


def test_takes_of_one_place_continue_at_the_same_position(store, passages):
    song = quantise(noise(RATE), RATE, Encoding.FLOAT).audio
    first = take_in(store, song, noise(4800, seed=1), 20000, number=1)
    second = take_in(store, song, noise(4800, seed=2), 20000, number=2)
    other = take_in(store, song, noise(4800, seed=3), 5000, number=3)
    places = [asyncio.run(passages.of_take(take, Bars(1, 1), ALL)).place for take in (first, second, other)]
    assert places[0] == places[1] != places[2]


def test_a_render_grows_and_what_is_there_keeps_its_name(tmp_path, passages, live):
    """In every state: the sides put together are what the bridge's machine would play, and nothing beyond is sent."""
    render, writers = begun(tmp_path, crossfade=10)
    live.begin(render)
    start, sounds, heard = render.plan.region_in_song.start, [], []
    for frames in (0, 100, BAR - 100, BAR):
        if frames:
            grow(render, writers, frames)
        found = asyncio.run(passages.of_render("j1", None, Bars(1, 1)))
        assert (found.take, found.job, found.number, found.origin) == ("", "j1", 1, 1000)
        mine, original = side(found, "take"), side(found, "original")
        sounds.append((mine.sound, original.sound))
        ready = render.ready
        assert (mine.end - mine.start, mine.around) == (ready, "original")
        heard.append((found.start, found.end, found.ready))
        part = asyncio.run(passages.render_wave("j1", 1, "take", mine.sound, None, None))
        scene = partial_scene(render, LayeredAudio(SONG, RATE), 1, 1)
        assert np.array_equal(read(part), scene.audio["take"].read(start, ready))
        if ready:
            for first, more in ((start, ready + 1), (start - 1, 1)):
                with pytest.raises(ProtocolError, match="rendered so far"):
                    asyncio.run(passages.render_wave("j1", 1, "take", mine.sound, first, more))
    song = read(asyncio.run(passages.render_wave("j1", 1, "original", sounds[-1][1], 0, BAR)))
    assert np.array_equal(song, SONG[:BAR])
    assert heard == [(BAR, 5 * BAR, ready) for ready in (2 * BAR, 2 * BAR, 3 * BAR, None)]
    assert len({original for _, original in sounds}) == 1
    assert len({mine for mine, _ in sounds[2:]}) == 1, "it grows"
    assert sounds[1][0] != sounds[2][0], "the crossfade was longer than what there was: it sounds otherwise"
    with pytest.raises(ProtocolError) as raised:
        asyncio.run(passages.render_wave("j1", 1, "take", sounds[0][0], None, None))
    assert raised.value.code is ErrorCode.FILE_CHANGED
    live.over("j1")
    writers.close()
    assert asyncio.run(passages.of_render("j1", 1, Bars(1, 1))) is None
    with pytest.raises(ProtocolError, match="has ended"):
        asyncio.run(passages.render_wave("j1", 1, "take", sounds[3][0], None, None))


def test_a_render_of_no_song_is_silence_until_there_is_some(tmp_path, passages, live):
    render, writers = begun(tmp_path)
    render.song = None
    live.begin(render)
    found = asyncio.run(passages.of_render("j1", 1, Bars(1, 1)))
    assert [(one.side, one.start, one.end, one.around) for one in found.sides] == [
        ("take", 2 * BAR, 2 * BAR, "silence")
    ]
    grow(render, writers, BAR)
    (mine,) = asyncio.run(passages.of_render("j1", 1, Bars(1, 1))).sides
    assert (mine.start, mine.end) == (2 * BAR, 3 * BAR)
    writers.close()


def test_a_take_of_no_song_has_one_side(store, passages):
    audio = quantise(noise(4800), RATE, Encoding.FLOAT).audio
    song = quantise(noise(RATE), RATE, Encoding.FLOAT).audio
    take = replace(take_in(store, song, noise(4800), 0, "generate", spliced=False), id="t9", parent=None)
    take = replace(take, audio=audio.digest, position=500, start=0)
    store.keep(take, audio)
    found = asyncio.run(passages.of_take(take, Bars(2, 2), ALL))
    assert [one.side for one in found.sides] == ["take"]
    assert (side(found, "take").start, side(found, "take").end) == (500, 5300)
    with pytest.raises(ProtocolError):
        asyncio.run(passages.take_wave("t9", "original", side(found, "take").sound, 0, 10))


def test_a_song_plays_with_what_was_accepted_in_it(store, passages):
    song = quantise(noise(RATE), RATE, Encoding.PCM_16).audio
    take = take_in(store, song, noise(4800, seed=1), 20000)
    store.index.choose(take.id)
    named = Song("mine", song, take.parent)
    found = asyncio.run(
        passages.of_song(named, TempoMap.constant(120), 700, (AtSample(1000), AtSample(9000)))
    )
    assert (found.take, found.song, found.start, found.end, found.loops) == (
        "",
        take.parent,
        1000,
        9000,
        True,
    )
    assert not asyncio.run(passages.of_song(named, TempoMap.constant(120), 700, ALL)).loops
    (original,) = found.sides
    wave = asyncio.run(passages.song_wave(take.parent, original.sound, 20000, 4800))
    assert np.array_equal(read(wave), store.blobs.get(take.audio).samples.astype(np.float32))
    assert len(read(asyncio.run(passages.song_wave(take.parent, original.sound, None, None)))) == RATE
    with pytest.raises(ProtocolError, match="frames must be"):
        asyncio.run(passages.song_wave(take.parent, original.sound, 0, MAX_FRAMES + 1))


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_file_in_parts_is_the_file(channels):
    samples = noise(1000, channels)
    wave = PassageWave(LayeredAudio(samples, RATE), -20, 1040)
    whole = wave.read(0, wave.size)
    assert wave.size == len(whole)
    expected = np.zeros((1040, min(2, channels)), np.float32)
    expected[20:1020] = samples[:, :2]
    assert np.array_equal(read(wave), expected)
    for step in (7, 44, 999):
        assert b"".join(wave.read(at, at + step) for at in range(0, wave.size + 50, step)) == whole


def test_stems_together_are_their_sum_at_their_own_levels_and_none_of_them_is_silence(store, passages):
    song = quantise(noise(3 * RATE), RATE, Encoding.PCM_24).audio
    stems = [
        stem_in(store, song, noise(9600, seed=seed) * gain, 20000, name)
        for seed, (name, gain) in enumerate((("drums", 0.2), ("bass", 0.1), ("vocals", 0.05)), 1)
    ]
    clips = [store.blobs.get(stem.audio).samples for stem in stems]

    def played(names):
        found = asyncio.run(passages.of_take(stems[0], Bars(1, 1), ALL, names))
        mine = side(found, "take")
        wave = asyncio.run(passages.take_wave(stems[0].id, "take", mine.sound, None, None, names))
        return found, mine, read(wave)

    found, mine, sound = played(("drums", "vocals"))
    assert (found.stems, mine.match_db, side(found, "original").match_db) == (("drums", "vocals"), 0, 0)
    assert "stems=drums%2Cvocals" in mine.url
    assert np.array_equal(sound, (clips[0].astype(np.float64) + clips[2]).astype(np.float32))
    silent, other, sound = played(("none",))
    assert not sound.any()
    assert (mine.start, mine.end) == (other.start, other.end)
    alone = asyncio.run(passages.of_take(stems[1], Bars(1, 1), ALL))
    assert {one.place for one in (found, silent, alone)} == {found.place}, "they switch at one position"
    assert len({mine.sound, other.sound, side(alone, "take").sound}) == 3
