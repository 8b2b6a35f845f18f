"""Each file of a take as it travels: what it contains, what it is called, and what there is none of."""

import asyncio
import contextlib
import io
import json

import numpy as np
import pytest
import soundfile

from bridge_server.handlers.take_files import take_file
from bridge_server.jobs.database import open_database, transaction
from clip_store.errors import ClipStoreError, TakeError
from clip_store.store import ClipStore
from clip_store.take import Attachment, Take, unmeasured
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.clip_store.sounds import song

SONG, CLIP, HANDLES = song(9600), song(1000, seed=1), song(1400, seed=2)


@pytest.fixture
def store(tmp_path):
    """A store with the take "t1" of frames 2000 to 3000 of a song, with two attachments, and "bare", a new song."""
    with contextlib.closing(open_database(tmp_path / "bridge.db")) as connection:
        store = ClipStore(tmp_path / "store", connection)
        parent = store.blobs.put(SONG)
        score = Attachment("score.mid", "audio/midi", store.blobs.put_bytes(b"MThd"))
        words = Attachment("a/words.txt", "text/plain", store.blobs.put_bytes(b"la"))
        values = {"audio": CLIP.digest, "length": 1000, "rate": 48000, "created": 1.0}
        take = Take(
            "t1", "j1", 2, "repaint", parent, position=2000, start=2000, title="Song: one",
            handles=HANDLES.digest, attachments=(score, words), receipt=unmeasured(2000, 1000, 48000), **values,
        )  # fmt: skip
        bare = Take(
            "bare",
            "j2",
            1,
            "generate",
            None,
            position=0,
            start=0,
            receipt=unmeasured(0, 1000, 48000),
            **values,
        )
        with transaction(connection):
            store.keep(take, CLIP, HANDLES)
            store.keep(bare, CLIP)
        yield store


def fetched(store, what, name="", take="t1"):
    return asyncio.run(take_file(store, take, what, name))


def samples(file):
    return soundfile.read(io.BytesIO(file.read(0, file.size)), always_2d=True)[0]


def test_the_clip_is_read_from_its_own_file(store):
    file = fetched(store, "clip")
    assert file.content == store.clip_path(store.index.get("t1"))
    assert len(samples(file)) == 1000
    assert (file.media_type, file.name) == ("audio/wav", "Song_ one.repaint.2.wav")


def test_the_song_has_the_clip_in_it(store):
    whole, clip = samples(fetched(store, "song")), samples(fetched(store, "clip"))
    assert len(whole) == 9600
    assert np.array_equal(whole[2000:3000], clip)
    assert fetched(store, "song").name.endswith(".song.wav")


def test_handles_are_the_render_around_the_clip(store):
    file = fetched(store, "handles")
    assert len(samples(file)) == 1400
    assert file.name.endswith(".handles.wav")


@pytest.mark.parametrize("take", ["t1", "bare"])
def test_the_picture_is_drawn_with_and_without_a_song(store, take):
    file = fetched(store, "picture", take=take)
    assert file.media_type == "image/png"
    assert file.read(0, 4) == b"\x89PNG"


def test_the_recipe_is_json(store):
    file = fetched(store, "recipe")
    assert file.media_type == "application/json"
    assert json.loads(file.read(0, file.size))["take"] == "t1"


@pytest.mark.parametrize(
    ("name", "content", "media_type", "saved_as"),
    [
        ("", b"MThd", "audio/midi", "score.mid"),
        ("score.mid", b"MThd", "audio/midi", "score.mid"),
        ("a/words.txt", b"la", "text/plain", "a_words.txt"),
    ],
)
def test_an_attachment_by_its_name_or_the_first(store, name, content, media_type, saved_as):
    file = fetched(store, "attachment", name)
    assert (file.content, file.media_type, file.name) == (content, media_type, saved_as)


@pytest.mark.parametrize(
    ("what", "name", "take"),
    [("attachment", "other.mid", "t1"), ("attachment", "", "bare"), ("handles", "", "bare")],
)
def test_what_a_take_does_not_have_is_named(store, what, name, take):
    with pytest.raises(ProtocolError, match=f"Take {take} has no {name or what}") as raised:
        fetched(store, what, name, take)
    assert raised.value.code is ErrorCode.UNKNOWN_TAKE
    assert raised.value.remedy


def test_a_take_there_is_none_of(store):
    with pytest.raises(TakeError):
        fetched(store, "clip", take="t9")


def test_audio_that_is_lost_is_an_error_of_the_store(store):
    store.blobs.path(HANDLES.digest).unlink()
    with pytest.raises(ClipStoreError):
        fetched(store, "handles")
