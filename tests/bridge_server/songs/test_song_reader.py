import asyncio
import contextlib
import os
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import soundfile

from bridge_server.jobs.database import open_database
from bridge_server.songs import song_reader, sources
from bridge_server.songs.song_reader import SongReader
from clip_store.audio.audio import Encoding
from clip_store.audio.audio_file import write_wav
from clip_store.audio.broadcast_wav import Bext
from clip_store.splice import with_clip
from clip_store.store import ClipStore
from clip_store.take import Take, unmeasured
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.clip_store.sounds import song

SONG = song(frames=9600)
CLIP = song(frames=1000, seed=1)


@pytest.fixture
def store(tmp_path):
    with contextlib.closing(open_database(tmp_path / "store" / "bridge.db")) as connection:
        yield ClipStore(tmp_path / "store", connection), connection


@pytest.fixture
def music(tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    write(folder / "song.wav", SONG)
    os.utime(folder / "song.wav", (1_000_000_000, 1_000_000_000))
    return folder


def write(path, audio):
    write_wav(path, audio, Bext(), {}, "")


def new_reader(store, music, seconds=60):
    return SongReader(*store, (music,), seconds)


@pytest.fixture
def reader(store, music):
    return new_reader(store, music)


def read(reader, name, rate=None):
    return asyncio.run(reader.read(name, rate))


def take_of(parent, **changes):
    values = {
        "id": "t1", "job": "j1", "number": 1, "task": "repaint", "parent": parent, "audio": CLIP.digest,
        "position": 2000, "start": 2000, "length": 1000, "rate": 48000, "created": 1.0, "title": "song",
        "receipt": unmeasured(2000, 1000, 48000),
    }  # fmt: skip
    return Take(**{**values, **changes})


def test_a_file_becomes_an_absolute_path_and_is_read(reader, music):
    name = reader.check("song.wav")
    assert name == str((music / "song.wav").resolve())
    found = read(reader, name)
    assert (found.name, found.digest) == ("song", SONG.digest)
    assert found.state.path == music / "song.wav"


def test_what_is_known_already_is_not_read_again(reader, store, music):
    name = reader.check("song.wav")
    first = read(reader, name)
    assert read(reader, name).audio is first.audio
    # After a restart it comes from the store: spoil the file without its size and time showing it.
    spoil(music / "song.wav")
    again = read(new_reader(store, music), name)
    assert again.digest == SONG.digest
    assert np.array_equal(again.audio.samples, SONG.samples)


@pytest.mark.parametrize("field", ["source", "tracks", "reference"])
def test_a_file_that_is_gone_is_told_of_in_its_field(reader, music, field):
    name = reader.check("song.wav")
    (music / "song.wav").unlink()
    with pytest.raises(ProtocolError) as caught:
        asyncio.run(reader.asked(name, None, field))
    assert caught.value.field == field


def test_a_file_that_changed_is_another_song(reader, music):
    name = reader.check("song.wav")
    read(reader, name)
    other = song(frames=9600 + 1, seed=5)
    write(music / "song.wav", other)
    assert read(reader, name).digest == other.digest


def spoil(path):
    """Other bytes, of the same size and time."""
    status = path.stat()
    path.write_bytes(b"x" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(("age", "trusted"), [(2_000_000_000, False), (2_000_000_001, True)])
def test_a_file_that_was_written_this_moment_is_not_trusted_to_stay(store, music, age, trusted):
    """Within a clock tick of its change it could change again and keep size and time."""
    path = music / "song.wav"
    written = path.stat().st_mtime_ns
    reader = SongReader(*store, (music,), 60, clock=lambda: written + age)
    assert read(reader, str(path)).digest == SONG.digest
    spoil(path)
    if trusted:
        assert read(reader, str(path)).digest == SONG.digest
        return
    with pytest.raises(ProtocolError) as raised:
        read(reader, str(path))
    assert raised.value.code is ErrorCode.FILE_UNREADABLE


def test_a_known_song_is_safe_from_the_sweep(reader, store, music):
    name = reader.check("song.wav")
    blobs = store[0].blobs
    digest = read(reader, name).digest
    os.utime(blobs.path(digest), (0, 0))
    read(reader, name)
    assert blobs.sweep(set(), 3600, time.time()) == ()


def test_a_song_whose_copy_is_gone_is_read_again(reader, store, music):
    name = reader.check("song.wav")
    first = read(reader, name)
    store[0].blobs.path(first.digest).unlink()
    read(new_reader(store, music), name)
    assert store[0].blobs.has(first.digest)


@pytest.mark.parametrize("swapped", ["song.wav", "."])
@pytest.mark.parametrize("outside", [True, False])
def test_a_link_in_the_place_of_an_accepted_song_is_not_followed(store, music, tmp_path, swapped, outside):
    """A file, or the folder it lies in, replaced while the job waited."""
    (music / "album").mkdir()
    write(music / "album" / "song.wav", SONG)
    reader = new_reader(store, music)
    name = reader.check("album/song.wav")
    elsewhere = tmp_path / "secret" if outside else music / "other"
    elsewhere.mkdir()
    write(elsewhere / "song.wav", CLIP)
    place = music / "album" / swapped
    place.rename(tmp_path / "moved away")
    try:
        place.symlink_to(elsewhere / swapped)
    except OSError:
        pytest.skip("SKIPPED: symbolic links need a right on Windows")
    code = ErrorCode.OUTSIDE_ROOTS if outside else ErrorCode.FILE_CHANGED
    for ask in (reader.read, reader.probe):
        with pytest.raises(ProtocolError) as caught:
            asyncio.run(ask(name, None))
        assert caught.value.code is code


@pytest.mark.parametrize("swapped", ["song.wav", "."])
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("way", ["read", "probe"])
def test_a_link_put_there_between_check_and_opening_is_not_followed(
    store, music, tmp_path, monkeypatch, swapped, back, way
):
    """The last moment there is: the name has been checked, and is opened now. back: the file itself is there again
    directly afterwards, so that no look at the name notices."""
    (music / "album").mkdir()
    write(music / "album" / "song.wav", SONG)
    reader = new_reader(store, music)
    name = reader.check("album/song.wav")
    (tmp_path / "secret").mkdir()
    write(tmp_path / "secret" / "song.wav", CLIP)
    place, away = music / "album" / swapped, tmp_path / "moved away"
    opens = sources.open_below

    def swap(path: Path, folder: Path) -> BinaryIO:
        place.rename(away)
        place.symlink_to(tmp_path / "secret" / swapped)
        try:
            return opens(path, folder)
        finally:
            if back:
                place.unlink()
                away.rename(place)

    monkeypatch.setattr(sources, "open_below", swap)
    try:
        (tmp_path / "a link").symlink_to(tmp_path)
    except OSError:
        pytest.skip("SKIPPED: symbolic links need a right on Windows")
    with pytest.raises(ProtocolError, match="replaced by a link") as caught:
        asyncio.run(getattr(reader, way)(name, None))
    assert caught.value.code is ErrorCode.FILE_CHANGED
    assert not store[0].blobs.has(CLIP.digest)


def test_a_song_whose_copy_was_damaged_is_read_again(reader, store, music):
    name = reader.check("song.wav")
    path = store[0].blobs.path(read(reader, name).digest)
    path.write_bytes(path.read_bytes()[:-4] + b"bad!")
    assert read(new_reader(store, music), name).digest == SONG.digest
    assert store[0].blobs.verify() == ()


def test_a_song_that_changes_while_it_is_read_is_refused(store, music):
    path = music / "long.wav"
    write(path, song(3_000_000))
    done = threading.Event()

    def write_on():
        while not done.is_set():
            os.utime(path)

    daw = threading.Thread(target=write_on)
    daw.start()
    try:
        with pytest.raises(ProtocolError) as raised:
            read(new_reader(store, music, 100), str(path))
    finally:
        done.set()
        daw.join()
    assert raised.value.code is ErrorCode.FILE_CHANGED
    assert not store[0].blobs.root.exists()


def test_unusable_songs_change_nothing(reader, store, music):
    (music / "bad.wav").write_bytes(b"RIFF nonsense")
    for name in ("bad.wav", "gone.wav"):
        with pytest.raises(ProtocolError, match=name):
            read(reader, str(music / name))
    assert not store[0].blobs.root.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are not text")
def test_a_song_whose_name_is_not_utf_8(store, music):
    path = music / os.fsdecode(b"caf\xe9.wav")
    (music / "song.wav").rename(path)
    reader = new_reader(store, music)
    assert read(reader, str(path)).digest == SONG.digest
    spoil(path)
    assert read(new_reader(store, music), str(path)).digest == SONG.digest


def test_a_file_is_kept_without_being_read_twice(reader, store, music):
    path = music / "song.wav"
    assert asyncio.run(reader.keep(path)) == SONG.digest
    assert store[0].blobs.has(SONG.digest)
    spoil(path)
    assert asyncio.run(new_reader(store, music).keep(path)) == SONG.digest


def test_stored_audio(reader, store):
    digest = store[0].blobs.put(SONG)
    name = f"audio:{digest}"
    assert reader.check(name) == name
    found = read(reader, name)
    assert (found.digest, found.state) == (SONG.digest, None)


def test_a_take_is_its_song_with_the_take_in_it(reader, store):
    clips, _ = store
    parent = clips.blobs.put(SONG)
    clips.keep(take_of(parent), CLIP)
    assert reader.check("take:t1") == "take:t1"
    found = read(reader, "take:t1")
    assert found.name == "song"
    assert np.array_equal(found.audio.samples, with_clip(SONG, CLIP, 2000).samples)
    assert clips.blobs.has(found.digest)


@pytest.mark.parametrize("task", ["extract", "lego", "accompany"])
def test_a_stem_or_an_instrument_is_a_song_of_its_own(reader, store, task):
    clips, connection = store
    stem = song(frames=1000, encoding=Encoding.FLOAT)
    with connection:
        clips.keep(take_of(clips.blobs.put(SONG), task=task, stem="drums", audio=stem.digest), stem)
    found = read(reader, "take:t1")
    assert (found.name, found.digest, found.parent) == ("song (drums)", stem.digest, stem.digest)
    header = probe(reader, "take:t1")
    assert (header.frames, header.stamp) == (1000, Fraction(2000, 48_000))


@pytest.mark.parametrize(
    "name", ["audio:" + "ab" * 32, "audio:", "audio:../../etc/passwd", "audio:XY", "audio:" + "é" * 64]
)
def test_audio_the_store_does_not_hold(reader, name):
    with pytest.raises(ProtocolError) as raised:
        reader.check(name)
    assert (raised.value.code, raised.value.field) == (ErrorCode.FILE_MISSING, "source")
    assert "Upload the song again" in raised.value.remedy


@pytest.mark.parametrize("name", ["take:nobody", "take:", "take:../x"])
def test_takes_there_are_not(reader, name):
    with pytest.raises(ProtocolError) as raised:
        reader.check(name)
    assert (raised.value.code, raised.value.field) == (ErrorCode.UNKNOWN_TAKE, "source")


@pytest.mark.parametrize("typed", ["take:x.wav", "./take:t1", "audio:x.wav", "./audio:ab", "take:sub/t1"])
def test_files_whose_names_look_like_references(reader, store, music, typed):
    """With an ending or a folder it is a file; `take:` with an id and nothing else is a take."""
    clips, _ = store
    clips.keep(take_of(clips.blobs.put(SONG)), CLIP)
    path = music / typed
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((music / "song.wav").read_bytes())
    found = reader.check(typed)
    assert found == str(path.resolve())
    assert reader.check(found) == found
    assert read(reader, found).digest == read(reader, reader.check("song.wav")).digest
    assert probe(reader, found).stamp is None, "a take would have its place"
    assert reader.check("take:t1") == "take:t1"


def test_a_song_longer_than_the_limit(store, music):
    short = new_reader(store, music, seconds=0.1)
    with pytest.raises(ProtocolError) as raised:
        read(short, short.check("song.wav"))
    assert raised.value.code is ErrorCode.FILE_UNREADABLE
    assert not store[0].blobs.has(SONG.digest)


@pytest.mark.parametrize(("rate", "frames"), [(44100, 8820), (96000, 19200), (192000, 38400)])
def test_at_the_projects_rate(reader, store, rate, frames):
    found = read(reader, reader.check("song.wav"), rate)
    assert (found.audio.rate, found.audio.frames, found.audio.channels) == (rate, frames, 2)
    assert found.audio.encoding is Encoding.PCM_24
    assert found.name == "song"
    assert store[0].blobs.has(found.digest)
    assert found.state is not None  # a change of the file during the render is still noticed


def test_at_its_own_rate_nothing_is_converted(reader):
    assert read(reader, reader.check("song.wav"), 48000).digest == SONG.digest


# --- headers ------------------------------------------------------------------------------------------


def probe(reader, name, rate=None, field="source"):
    return asyncio.run(reader.probe(name, rate, field))


def test_a_header_says_what_reading_finds(reader, store, music):
    name = reader.check("song.wav")
    for rate in (None, 44100, 96000):
        found, audio = probe(reader, name, rate), read(reader, name, rate).audio
        assert (found.frames, found.rate, found.channels) == (audio.frames, audio.rate, audio.channels)
        assert found.counted
    assert probe(reader, f"audio:{SONG.digest}") == probe(reader, name)


@pytest.mark.parametrize("start", [0, 2000, 9000, 9600, -300])
def test_a_header_of_a_song_with_a_take_in_it(reader, store, start):
    clips, connection = store
    take = take_of(clips.blobs.put(SONG), start=start)
    with connection:
        clips.keep(take, CLIP)
    assert probe(reader, "take:t1").frames == read(reader, "take:t1").audio.frames


def test_a_take_that_does_not_fit_its_song_is_refused_by_its_header(reader, store):
    clips, connection = store
    narrow = song(frames=1000, encoding=Encoding.PCM_16)
    take = take_of(clips.blobs.put(SONG), audio=narrow.digest)
    with connection:
        clips.keep(take, narrow)
    with pytest.raises(ProtocolError, match="encoding") as raised:
        probe(reader, "take:t1", field="reference")
    assert raised.value.field == "reference"


def test_a_header_is_read_once(reader, music):
    name = reader.check("song.wav")
    first = probe(reader, name)
    spoil(music / "song.wav")
    assert probe(reader, name) == first
    write(music / "song.wav", song(frames=9601))
    assert probe(reader, name).frames == 9601


def test_a_file_that_was_written_this_moment_is_looked_at_again(reader, music):
    path = music / "fresh.wav"
    write(path, SONG)
    probe(reader, str(path))
    spoil(path)
    with pytest.raises(ProtocolError, match="not a sound file"):
        probe(reader, str(path))


def test_so_many_headers_are_remembered_and_no_more(reader, store, monkeypatch):
    monkeypatch.setattr(song_reader, "KEPT_PROBES", 2)
    for seed in range(4):
        digest = store[0].blobs.put(song(frames=100 + seed, seed=seed))
        assert probe(reader, f"audio:{digest}").frames == 100 + seed
    assert len(reader._probes) == 2


def test_what_headers_refuse(store, music):
    reader = new_reader(store, music, seconds=0.1)
    name = reader.check("song.wav")
    with pytest.raises(ProtocolError, match=r"song\.wav lasts 0\.2 s") as raised:
        probe(reader, name, field="reference")
    assert (raised.value.code, raised.value.field) == (ErrorCode.FILE_UNREADABLE, "reference")
    (music / "song.wav").unlink()
    with pytest.raises(ProtocolError) as raised:
        probe(reader, name)
    assert raised.value.code is ErrorCode.FILE_MISSING


def test_an_estimate_does_not_refuse_a_song_as_too_long(store, music):
    path = music / "song.mp3"
    soundfile.write(path, SONG.samples, 48000, format="MP3")
    found = probe(new_reader(store, music, seconds=0.1), str(path))
    assert not found.counted
    assert found.frames / found.rate > 0.1


def test_the_xmp_of_a_songs_file_is_kept_with_it(store, music, reader):
    write_wav(music / "marked.wav", SONG, xmp=b"<its own packet/>")
    read(reader, reader.check("marked.wav"))
    assert store[0].index.recall_xmp(SONG.digest) == "<its own packet/>"
    assert read(reader, f"audio:{SONG.digest}").tags.xmp == "<its own packet/>"
    write_wav(music / "marked.wav", SONG)  # the same sound, saved without
    read(reader, reader.check("marked.wav"))
    assert store[0].index.recall_xmp(SONG.digest) == ""
