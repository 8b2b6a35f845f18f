"""A take as one hears it: each task in its own way with its song."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from bridge_server.songs.mixdown import Part, heard, laid_over, part_of
from clip_store.audio.audio import Encoding
from clip_store.store import ClipStore
from tests.clip_store.sounds import song
from tests.clip_store.takes import stored_take

SONG = song(4800)
CLIP = song(1000, level=0.9, seed=1)


@pytest.fixture
def store(tmp_path):
    with closing(sqlite3.connect(tmp_path / "bridge.db")) as connection:
        yield ClipStore(tmp_path / "store", connection)


def kept(store, **columns):
    """A take of the clip, from sample 2000 of the song on."""
    return stored_take(
        parent=store.blobs.put(SONG), audio=store.blobs.put(CLIP), start=2000, length=CLIP.frames, **columns
    )


@pytest.mark.parametrize(
    ("columns", "part"),
    [
        ({"task": "generate", "parent": None}, Part.WHOLE),
        ({"task": "repaint", "parent": "p" * 64, "result": "r" * 64}, Part.REPLACES),
        ({"task": "accompany", "parent": "p" * 64}, Part.BESIDE),
        ({"task": "lego", "parent": "p" * 64}, Part.BESIDE),
        ({"task": "extract", "parent": "p" * 64}, Part.ALONE),
    ],
)
def test_how_a_take_goes_with_its_song(columns, part):
    assert part_of(stored_take(**columns)) is part


def test_a_new_song_is_heard_as_it_is(store):
    assert heard(store, stored_take(task="generate", audio=store.blobs.put(CLIP))).digest == CLIP.digest


def test_a_stem_is_heard_alone_in_its_place(store):
    found = heard(store, kept(store, task="extract")).samples
    assert len(found) == SONG.frames
    assert np.array_equal(found[2000:3000], CLIP.samples)
    assert not found[:2000].any()
    assert not found[3000:].any()


def test_a_backing_is_heard_with_the_song(store):
    found = heard(store, kept(store, task="accompany"))
    assert np.array_equal(found.samples[:2000], SONG.samples[:2000])
    assert np.allclose(found.samples[2000:3000], SONG.samples[2000:3000] + CLIP.samples, atol=1e-7)


def test_what_is_laid_over_may_be_louder_than_full_scale():
    loud = song(100, level=0.99)
    mixed = laid_over(loud, loud, 0)
    assert mixed.encoding is Encoding.FLOAT
    assert np.abs(mixed.samples).max() > 1.5


def test_a_clip_that_goes_on_makes_the_song_longer():
    found = laid_over(SONG, CLIP, SONG.frames - 100).samples
    assert len(found) == SONG.frames + 900
    assert np.allclose(found[SONG.frames :], CLIP.samples[100:], atol=1e-7)
