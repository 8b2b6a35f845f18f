"""Tempos kept with songs: by their audio, whatever their name, and through a restart."""

from __future__ import annotations

import asyncio
import contextlib
import shutil

import pytest

from bridge_server.jobs.database import open_database, transaction
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.song_tempos import SongTempos
from clip_store.store import ClipStore
from daw_protocol.recipe import BlueprintRecord
from daw_protocol.song_tempo import SongTempo
from daw_protocol.timeline import TempoMap
from tests.bridge_server.peers import noise_song

TEMPO = SongTempo(TempoMap.constant(97))


@contextlib.contextmanager
def opened(folder):
    with contextlib.closing(open_database(folder / "bridge.db")) as connection:
        store = ClipStore(folder / "store", connection)
        reader = SongReader(store, connection, (folder,), 60)
        yield SongTempos(store, connection, reader), connection, store


def test_a_tempo_stays_with_the_audio(tmp_path):
    noise_song(tmp_path / "song.wav")
    noise_song(tmp_path / "other.wav", seed=9)
    with opened(tmp_path) as (tempos, _, _):
        assert asyncio.run(tempos.of(str(tmp_path / "song.wav"))) is None
        asyncio.run(tempos.keep(str(tmp_path / "song.wav"), TEMPO))
        shutil.copy(tmp_path / "song.wav", tmp_path / "moved.wav")
        assert asyncio.run(tempos.of(str(tmp_path / "moved.wav"))) == TEMPO
        assert asyncio.run(tempos.of(str(tmp_path / "other.wav"))) is None
    with opened(tmp_path) as (tempos, _, _):
        assert asyncio.run(tempos.of(str(tmp_path / "song.wav"))) == TEMPO
        asyncio.run(tempos.keep(str(tmp_path / "song.wav"), None))
        assert asyncio.run(tempos.of(str(tmp_path / "song.wav"))) is None


def test_a_quick_look_reads_nothing(tmp_path):
    noise_song(tmp_path / "song.wav")
    with opened(tmp_path) as (tempos, _, _store):
        digest = asyncio.run(tempos._reader.keep(tmp_path / "song.wav"))
        asyncio.run(tempos.keep(f"audio:{digest}", TEMPO))
        assert tempos.recall(f"audio:{digest}") == TEMPO
        assert tempos.recall("nowhere.wav") is None


def test_a_song_saved_a_moment_ago_is_known_until_it_changes(tmp_path):
    name = str(noise_song(tmp_path / "song.wav"))
    with opened(tmp_path) as (tempos, _, _):
        asyncio.run(tempos.keep(name, TEMPO))
        assert tempos.recall(name) == TEMPO
        noise_song(tmp_path / "song.wav", frames=9000, seed=5)
        assert tempos.recall(name) is None


def test_an_analysis_is_found_by_its_job_and_the_last_by_its_song(tmp_path):
    noise_song(tmp_path / "song.wav")
    first, second = BlueprintRecord(tempo=97.0, downbeat=0.1), BlueprintRecord(tempo=194.0, downbeat=0.1)
    with opened(tmp_path) as (tempos, _, _):
        assert (asyncio.run(tempos.found_in(str(tmp_path / "song.wav"))), tempos.found_by("j1")) == (
            None,
            None,
        )
        asyncio.run(tempos.keep_found("j1", str(tmp_path / "song.wav"), first))
        asyncio.run(tempos.keep_found("j2", str(tmp_path / "song.wav"), second))
        assert (asyncio.run(tempos.found_in(str(tmp_path / "song.wav"))), tempos.found_by("j1")) == (
            second,
            first,
        )


def test_a_tempo_of_a_later_version_is_none(tmp_path, caplog):
    noise_song(tmp_path / "song.wav")
    with opened(tmp_path) as (tempos, connection, store):
        digest = asyncio.run(tempos._reader.digest_of(str(tmp_path / "song.wav")))
        with transaction(connection):
            store.index.remember_tempo(digest, '{"tempo_map": {"curves": 3}}')
        assert asyncio.run(tempos.of(str(tmp_path / "song.wav"))) is None
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize("name", ["song.wav", "audio"])
def test_digests_of_songs(tmp_path, name):
    noise_song(tmp_path / "song.wav")
    with opened(tmp_path) as (tempos, _, _):
        digest = asyncio.run(tempos._reader.digest_of(str(tmp_path / "song.wav")))
        source = str(tmp_path / name) if name == "song.wav" else f"audio:{digest}"
        assert asyncio.run(tempos._reader.digest_of(source)) == digest
