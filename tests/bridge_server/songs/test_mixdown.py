"""A take in its song, task by task."""

import dataclasses
import io

import numpy as np
import pytest
import soundfile

from bridge_server.audition.scene_builder import SceneBuilder, scene_request
from bridge_server.jobs.database import open_database
from bridge_server.songs.mixdown import laid_over, mixdown, placement_of, tag_of
from clip_store.audio.audio import Audio, Encoding
from clip_store.audio.riff import wave_parts
from clip_store.errors import SpliceError, StoreError
from clip_store.splice import with_clip
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


def take_of(store, task, parent=SONG, clip=CLIP, start=START):
    take = stored_take(
        id=f"t{task}", task=task, parent=parent and store.blobs.put(parent), audio=clip.digest,
        position=start, start=start, length=clip.frames,
    )  # fmt: skip
    store.keep(take, clip)
    return take


def heard(store, take):
    """All samples of the song with the take."""
    found = mixdown(store, take)
    return found.samples(0, found.form.frames)


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
    assert np.array_equal(heard(store, take), expected)
    scene = SceneBuilder(store.blobs).take_scene(
        scene_request(store.index, take, 1, 1), TempoMap.constant(120)
    )
    assert np.array_equal(scene.audio["take"].read(0, 9600), expected)


def test_a_new_song_plays_by_itself(store):
    take = take_of(store, "generate", None)
    assert placement_of(take) is Placement.NEW
    assert mixdown(store, take).read(0, 1 << 20) == b"".join(wave_parts(CLIP))


def waves(store, *sounds):
    return [store.blobs.wave(store.blobs.put(sound)) for sound in sounds]


def test_what_is_laid_over_may_be_louder_than_full_scale(store):
    loud = song(100, level=0.99)
    mixed = laid_over(*waves(store, loud, loud), 0, "accompany")
    assert mixed.form.encoding is Encoding.FLOAT
    assert np.abs(mixed.samples(0, 100)).max() > 1.5


def test_a_clip_that_goes_on_makes_the_song_longer(store):
    found = laid_over(*waves(store, SONG, CLIP), SONG.frames - 100, "accompany")
    assert found.form.frames == SONG.frames + 900
    assert np.array_equal(found.samples(SONG.frames, SONG.frames + 900), CLIP.samples[100:])


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("start", [-300, 0, 2000, 4700])
def test_a_spliced_song_is_bit_for_bit_what_was_spliced(store, encoding, channels, start):
    parent = song(4801, channels, encoding=encoding)
    clip = song(1001, channels, encoding=encoding, seed=3)
    take = take_of(store, "repaint", parent, clip, start)
    expected = b"".join(wave_parts(with_clip(parent, clip, start)))
    found = mixdown(store, take)
    assert found.size == len(expected)
    assert found.read(0, found.size) == expected


@pytest.mark.parametrize("task", ["repaint", "accompany", "extract"])
def test_any_part_of_the_file_is_a_part_of_the_whole(store, task):
    """Players seek to bytes that begin within a sample, within the header, at the very end."""
    parent, clip = song(3001, 1), song(500, 1, seed=1)
    found = mixdown(store, take_of(store, task, parent, clip))
    whole = found.read(0, found.size)
    assert len(whole) == found.size
    random = np.random.default_rng(0)
    spans = [(0, 1), (3, 60), (found.size - 1, found.size), (found.size, found.size), (40, 50)]
    spans += [tuple(sorted(random.integers(0, found.size, 2).tolist())) for _ in range(200)]
    for first, end in spans:
        assert found.read(first, end) == whole[first:end], (first, end)
    rate = soundfile.read(io.BytesIO(whole))[1]
    assert rate == parent.rate


def test_a_song_of_another_kind_and_a_damaged_one_are_refused(store):
    other = take_of(store, "repaint", song(4800, rate=44100))
    with pytest.raises(SpliceError):
        mixdown(store, other)
    take = take_of(store, "accompany")
    assert mixdown(store, take).size
    path = store.blobs.path(take.parent)
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        mixdown(store, take)


def test_a_tag_stands_for_one_mixdown(store):
    quiet = Audio(CLIP.samples * 0.5, CLIP.rate, CLIP.encoding)
    takes = [
        take_of(store, "repaint"),
        take_of(store, "accompany"),
        take_of(store, "cover", start=START + 1),
        take_of(store, "extract", clip=quiet),
    ]
    assert len({tag_of(take) for take in takes}) == len(takes)
    assert tag_of(takes[0]) == tag_of(dataclasses.replace(takes[0], id="other", created=1.0))
