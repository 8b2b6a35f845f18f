"""What a job is rendered from is read once for each of its songs, and let go when nothing needs it any more."""

import asyncio
import contextlib
import os

import pytest

from bridge_server.jobs.database import open_database
from bridge_server.jobs.job import Job
from bridge_server.rendering.hearing import Hearing
from bridge_server.rendering.job_material import JobMaterial
from bridge_server.rendering.job_progress import ProgressBar
from bridge_server.songs.song_reader import SongReader
from clip_store.store import ClipStore
from daw_protocol.errors import ProtocolError
from daw_protocol.requests import Analyse, Repaint
from daw_protocol.requests.parts import parts_of
from tests.bridge_server.peers import noise_song


class CountingReader(SongReader):
    """Notes every song it reads."""

    def __init__(self, *given):
        super().__init__(*given)
        self.store = given[0]
        self.names = []
        self.after = lambda: None  # called when a song has been read

    async def read(self, name, rate):
        self.names.append(name)
        song = await super().read(name, rate)
        self.after()
        return song


@pytest.fixture
def reader(tmp_path):
    for number, name in enumerate(("a.wav", "b.wav")):
        noise_song(tmp_path / name, 9000, seed=number)
    with contextlib.closing(open_database(tmp_path / "bridge.db")) as connection:
        yield CountingReader(ClipStore(tmp_path / "store", connection), connection, (tmp_path,), 60)


def material_of(request, reader, songs=None):
    parts = parts_of(request)
    bar = ProgressBar(parts[-1].takes[-1], lambda _: None, parts)
    job = Job("j1", "c", "r", request.task, request.to_fields(), songs=songs or {})
    return JobMaterial(job, request, parts, Hearing(reader.store), reader, bar), parts


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


async def asked(reader, *names):
    """What a job keeps of these files, as they are now."""
    return {str(name): (await reader.asked(str(name), None)).to_json() for name in names}


def test_tracks_together_are_looked_at_one_by_one(tmp_path, reader):
    """One was saved again with other sound, one with the sound that the store knew, one with another length."""
    names = [tmp_path / name for name in ("a.wav", "b.wav")]

    async def work():
        for name in names:
            os.utime(name, (1_000_000_000, 1_000_000_000))
            await reader.read(str(name), None)
        songs = await asked(reader, *names)
        request = Repaint(tracks=[str(name) for name in names], mode="together", start=0, end=10)
        noise_song(names[0], 9000, seed=7)
        noise_song(names[1], 9000, seed=1)
        material, (part,) = material_of(request, reader, songs)
        first, second = (await material.of(part)).stack
        assert (
            first.song.warning
            == "a.wav was saved again after this was asked for. The take fits it as it is now."
        )
        assert second.song.warning == "", "it is what it was"
        noise_song(names[1], 9001, seed=1)
        material, (part,) = material_of(request, reader, songs)
        with pytest.raises(ProtocolError, match=r"b.wav was .* long when this was asked for"):
            await material.of(part)

    asyncio.run(work())


def test_reference_audio_that_was_saved_again_has_no_consent(tmp_path, reader):
    async def work():
        reference = tmp_path / "b.wav"
        songs = await asked(reader, reference)
        request = Repaint(source=str(tmp_path / "a.wav"), start=0, end=10, reference=str(reference))
        material, (part,) = material_of(request, reader, songs)
        await material.of(part)
        noise_song(reference, 9000, seed=7)
        os.utime(reference, (1_000_000_000, 1_000_000_000))
        material, (part,) = material_of(request, reader, songs)
        with pytest.raises(ProtocolError, match="consent was for what it was") as caught:
            await material.of(part)
        assert caught.value.field == "reference"

    asyncio.run(work())


@pytest.mark.parametrize("same", [True, False])
def test_reference_audio_is_judged_by_what_was_read(tmp_path, reader, same):
    """At another rate than the render's, and saved once more as soon as it was read."""

    async def work():
        reference = noise_song(tmp_path / "b.wav", 9000, rate=32_000, seed=1)
        os.utime(reference, (1_000_000_000, 1_000_000_000))
        await reader.read(str(reference), None)
        songs = await asked(reader, reference)
        noise_song(reference, 9000, rate=32_000, seed=1 if same else 7)
        reader.after = lambda: noise_song(reference, 9000, rate=32_000, seed=7 if same else 1)
        request = Repaint(source=str(tmp_path / "a.wav"), start=0, end=10, reference=str(reference))
        material, (part,) = material_of(request, reader, songs)
        expected = contextlib.nullcontext() if same else pytest.raises(ProtocolError, match="consent")
        with expected:
            assert (await material.of(part)).reference.audio.rate != 32_000, "it was converted"

    asyncio.run(work())


def test_an_analysis_is_of_the_song_as_it_is(tmp_path, reader):
    async def work():
        song = tmp_path / "a.wav"
        songs = await asked(reader, song)
        noise_song(song, 9001, seed=7)
        material, (part,) = material_of(Analyse(source=str(song)), reader, songs)
        assert (await material.of(part)).song.warning == ""

    asyncio.run(work())
