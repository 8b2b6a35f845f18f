"""A take in its song, task by task."""

import numpy as np
import pytest

from bridge_server.audition.scene_builder import SceneBuilder, scene_request
from bridge_server.jobs.database import open_database
from bridge_server.songs.mixdown import laid_over, placement_of, song_with_take
from clip_store.audio.audio import Encoding
from clip_store.store import ClipStore
from daw_protocol.tasks import Placement
from daw_protocol.timeline import TempoMap
from tests.clip_store.sounds import song
from tests.clip_store.takes import stored_take

SONG = song(9600, encoding=Encoding.FLOAT)
CLIP = song(1000, seed=1, encoding=Encoding.FLOAT)
START, END = 2000, 3000


@pytest.fixture
def store(tmp_path):
    return ClipStore(tmp_path / "store", open_database(tmp_path / "takes.sqlite3"))


def take_of(store, task, parent=SONG):
    take = stored_take(
        id=f"t{task}", task=task, parent=parent and store.blobs.put(parent), audio=CLIP.digest,
        position=START, start=START, length=1000,
    )  # fmt: skip
    store.keep(take, CLIP)
    return take


@pytest.mark.parametrize(
    ("task", "placement", "inside", "outside"),
    [
        ("repaint", Placement.REPLACES, 0, 1),
        ("complete", Placement.REPLACES, 0, 1),
        ("cover", Placement.REPLACES, 0, 1),
        ("accompany", Placement.BESIDE, 1, 1),
        ("lego", Placement.BESIDE, 1, 1),
        ("extract", Placement.ALONE, 0, 0),
    ],
)
def test_how_much_of_the_song_plays_with_a_take(store, task, placement, inside, outside):
    """inside, outside: of the song's samples, in the take's region and elsewhere. Audition plays the same."""
    take = take_of(store, task)
    assert placement_of(take) is placement
    expected = SONG.samples * outside
    expected[START:END] = SONG.samples[START:END] * inside + CLIP.samples
    assert np.array_equal(song_with_take(store, take).samples, expected)
    scene = SceneBuilder(store.blobs).take_scene(
        scene_request(store.index, take, 1, 1), TempoMap.constant(120)
    )
    assert np.array_equal(scene.audio["take"].read(0, 9600), expected)


def test_a_new_song_plays_by_itself(store):
    take = take_of(store, "generate", None)
    assert placement_of(take) is Placement.NEW
    assert song_with_take(store, take).digest == CLIP.digest


def test_what_is_laid_over_may_be_louder_than_full_scale():
    loud = song(100, level=0.99)
    mixed = laid_over(loud, loud, 0, Placement.BESIDE)
    assert mixed.encoding is Encoding.FLOAT
    assert np.abs(mixed.samples).max() > 1.5


def test_a_clip_that_goes_on_makes_the_song_longer():
    found = laid_over(SONG, CLIP, SONG.frames - 100, Placement.BESIDE).samples
    assert len(found) == SONG.frames + 900
    assert np.array_equal(found[SONG.frames :], CLIP.samples[100:])
