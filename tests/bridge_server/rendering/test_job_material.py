"""What a job is rendered from is read once for each of its songs, and let go when nothing needs it any more."""

import asyncio
import contextlib

import pytest

from bridge_server.jobs.database import open_database
from bridge_server.rendering.hearing import Hearing
from bridge_server.rendering.job_material import JobMaterial
from bridge_server.rendering.job_progress import ProgressBar
from bridge_server.songs.song_reader import SongReader
from clip_store.store import ClipStore
from daw_protocol.errors import ProtocolError
from daw_protocol.requests import Repaint
from daw_protocol.requests.parts import parts_of
from tests.bridge_server.peers import noise_song


class CountingReader(SongReader):
    """Notes every song it reads."""

    def __init__(self, *given):
        super().__init__(*given)
        self.store = given[0]
        self.names = []

    async def read(self, name, rate):
        self.names.append(name)
        return await super().read(name, rate)


@pytest.fixture
def reader(tmp_path):
    for number, name in enumerate(("a.wav", "b.wav")):
        noise_song(tmp_path / name, 9000, seed=number)
    with contextlib.closing(open_database(tmp_path / "bridge.db")) as connection:
        yield CountingReader(ClipStore(tmp_path / "store", connection), connection, (tmp_path,), 60)


def material_of(request, reader):
    parts = parts_of(request)
    bar = ProgressBar(parts[-1].takes[-1], lambda _: None, parts)
    return JobMaterial("j1", request, parts, Hearing(reader.store), reader, bar), parts


def test_every_song_is_read_once_whatever_is_rendered_of_it(tmp_path, reader):
    tracks = [str(tmp_path / "a.wav"), str(tmp_path / "b.wav")]
    material, parts = material_of(Repaint(tracks=tracks, regions="0..10, 20..30"), reader)

    async def work():
        found = await asyncio.gather(*(material.of(part) for part in parts))
        assert [(one.song.name, one.plan.region.start) for one in found] == [
            ("a", 0), ("a", 20), ("b", 0), ("b", 20),
        ]  # fmt: skip
        assert sorted(reader.names) == tracks
        material.ended(parts[0])
        assert (await material.of(parts[1])).song is found[0].song
        material.ended(parts[1])
        assert set(material._of_track) == {2}

    asyncio.run(work())


def test_tracks_together_are_read_for_every_region_at_once(tmp_path, reader):
    tracks = [str(tmp_path / "a.wav"), str(tmp_path / "b.wav")]
    material, parts = material_of(
        Repaint(tracks=tracks, mode="together", regions="0..10, 20..30", rate=48_000), reader
    )

    async def work():
        first, second = [await material.of(part) for part in parts]
        assert sorted(reader.names) == tracks
        assert [track.number for track in first.stack] == [1, 2]
        assert (first.plan.channels, first.song, second.plan.region.start) == (4, None, 20)

    asyncio.run(work())


def test_an_overlap_that_only_the_samples_show_is_refused(tmp_path, reader):
    material, parts = material_of(Repaint(source=str(tmp_path / "a.wav"), regions="0..10, 5..30"), reader)
    with pytest.raises(ProtocolError, match="Regions 1 and 2 overlap"):
        asyncio.run(material.of(parts[0]))
