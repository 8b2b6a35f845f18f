import os

import numpy as np
import pytest
import soundfile

from bridge_server.errors import as_protocol_error
from bridge_server.songs.sources import check_unchanged, find_file, read_song, state_of, stored_song
from clip_store.audio.audio_file import read_audio
from clip_store.blobs import BlobStore
from clip_store.errors import AudioFileError, ClipStoreError, SpliceError, StoreError
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.refusals import refusal


@pytest.fixture
def roots(tmp_path):
    """Two registered folders, each with songs, beside a secret one."""
    for folder in ("first/album", "second", "secret"):
        (tmp_path / folder).mkdir(parents=True)
    for name in (
        "first/song.wav",
        "first/album/deep.wav",
        "second/song.wav",
        "second/only.wav",
        "secret/key.wav",
    ):
        (tmp_path / name).write_bytes(name.encode())
    return (tmp_path / "first", tmp_path / "second")


def refused_file(name, roots, code) -> ProtocolError:
    error = refusal(find_file, name, roots)
    assert (error.code, error.field) == (code, "source")
    return error


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("song.wav", "first/song.wav"),  # the first root that has it
        ("only.wav", "second/only.wav"),
        ("album/deep.wav", "first/album/deep.wav"),
        ("album/../song.wav", "first/song.wav"),
        ("./album/./deep.wav", "first/album/deep.wav"),
        ("../second/only.wav", "second/only.wav"),  # where it leads counts, and that is a root
    ],
)
def test_found(roots, tmp_path, name, found):
    assert find_file(name, roots) == (tmp_path / found).resolve()
    assert find_file(str(tmp_path / found), roots) == (tmp_path / found).resolve()


def test_no_folder_is_searched_for_a_name_that_is_there_as_it_is_spelled(roots, monkeypatch):
    monkeypatch.setattr("bridge_server.songs.sources.existing", lambda *_: pytest.fail("searched"))
    assert find_file("song.wav", roots).name == "song.wav"
    assert find_file(str(roots[1] / "only.wav"), roots).name == "only.wav"


OUTSIDE = [
    "../secret/key.wav",
    "../secret/nothing.wav",
    "album/../../secret/key.wav",
    "/etc/passwd",
    "/",
    "..",
    "/nothing/there",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_nothing_is_revealed_about_files_outside(roots, name):
    error = refused_file(name, roots, ErrorCode.OUTSIDE_ROOTS)
    assert "outside the folders" in error.sentence
    assert "--root" in error.remedy


def test_a_secret_that_exists_sounds_like_one_that_does_not(roots):
    there = refused_file("../secret/key.wav", roots, ErrorCode.OUTSIDE_ROOTS)
    not_there = refused_file("../secret/abc.wav", roots, ErrorCode.OUTSIDE_ROOTS)
    assert there.sentence.replace("key", "abc") == not_there.sentence
    assert there.remedy == not_there.remedy


@pytest.mark.parametrize(
    "name", ["missing.wav", "album", ".", "", "song.wav/x.wav", "x" * 1000, "a/" * 500 + "b"]
)
def test_not_a_file(roots, name):
    assert "There is no file" in refused_file(name, roots, ErrorCode.FILE_MISSING).sentence


def test_names_no_system_knows(roots):
    refused_file("song\x00.wav", roots, ErrorCode.OUTSIDE_ROOTS)
    refused_file("\ud800.wav", roots, ErrorCode.OUTSIDE_ROOTS)


def test_links_lead_where_they_lead(roots, tmp_path):
    (roots[0] / "out.wav").symlink_to(tmp_path / "secret" / "key.wav")
    (roots[0] / "folder").symlink_to(tmp_path / "secret")
    (roots[0] / "in.wav").symlink_to(roots[1] / "only.wav")
    (roots[0] / "dangling.wav").symlink_to(roots[0] / "gone.wav")
    refused_file("out.wav", roots[:1], ErrorCode.OUTSIDE_ROOTS)
    refused_file("folder/key.wav", roots[:1], ErrorCode.OUTSIDE_ROOTS)
    refused_file("out.wav", roots, ErrorCode.FILE_MISSING)  # the second folder might have had one
    refused_file("dangling.wav", roots, ErrorCode.FILE_MISSING)
    assert find_file("in.wav", roots) == (roots[1] / "only.wav").resolve()


def test_a_link_that_leads_to_itself(roots):
    (roots[0] / "loop.wav").symlink_to(roots[0] / "loop.wav")
    with pytest.raises(ProtocolError):
        find_file("loop.wav", roots)


def test_a_root_may_be_a_link_itself(roots, tmp_path):
    (tmp_path / "link").symlink_to(roots[1])
    assert find_file("only.wav", (tmp_path / "link",)) == (roots[1] / "only.wav").resolve()


def test_a_root_that_begins_like_another(tmp_path):
    for folder in ("song", "songs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "songs" / "a.wav").write_bytes(b"x")
    refused_file(str(tmp_path / "songs" / "a.wav"), (tmp_path / "song",), ErrorCode.OUTSIDE_ROOTS)


def test_a_pipe_is_no_song(roots):
    os.mkfifo(roots[0] / "pipe.wav")
    refused_file("pipe.wav", roots, ErrorCode.FILE_MISSING)


def test_without_roots_nothing_is_found(roots):
    assert "none yet" in refused_file("song.wav", (), ErrorCode.OUTSIDE_ROOTS).remedy


@pytest.fixture
def song_file(tmp_path):
    path = tmp_path / "My Song.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, (4800, 2)), 48000, subtype="PCM_24")
    return path


def test_a_song_is_read_and_kept(song_file, tmp_path):
    blobs = BlobStore(tmp_path / "blobs")
    song = read_song(song_file, blobs, most_seconds=10)
    assert song.name == "My Song"
    assert (song.audio.frames, song.audio.channels, song.audio.rate) == (4800, 2, 48000)
    assert song.state == state_of(song_file)
    again = stored_song(song.digest, "again", blobs)
    assert (again.digest, again.name, again.state) == (song.digest, "again", None)
    assert np.array_equal(again.audio.samples, song.audio.samples)


def spoiled(path, how):
    data = path.read_bytes()
    path.write_bytes({"empty": b"", "cut off": data[: len(data) // 2], "text": b"la la la\n" * 500}[how])


@pytest.mark.parametrize("how", ["empty", "cut off", "text"])
def test_a_file_that_is_no_song(song_file, tmp_path, how):
    spoiled(song_file, how)
    with pytest.raises(ProtocolError) as raised:
        read_song(song_file, BlobStore(tmp_path / "blobs"), most_seconds=10)
    error = raised.value
    assert (error.code, error.field) == (ErrorCode.FILE_UNREADABLE, "source")
    assert "My Song.wav" in error.sentence
    assert error.remedy
    assert not (tmp_path / "blobs").exists()


def test_a_song_that_is_too_long(song_file, tmp_path):
    with pytest.raises(ProtocolError) as raised:
        read_song(song_file, BlobStore(tmp_path / "blobs"), most_seconds=0.05)
    assert raised.value.code is ErrorCode.FILE_UNREADABLE
    assert not (tmp_path / "blobs").exists()


def test_a_file_that_has_gone(song_file, tmp_path):
    song_file.unlink()
    with pytest.raises(ProtocolError) as raised:
        read_song(song_file, BlobStore(tmp_path / "blobs"), most_seconds=10)
    assert raised.value.code is ErrorCode.FILE_MISSING
    assert "My Song.wav no longer exists" in raised.value.sentence


def test_a_file_that_was_written_to(song_file):
    before = state_of(song_file)
    check_unchanged(before)
    samples = read_audio(song_file, 10).samples
    soundfile.write(song_file, samples[:-1], 48000, subtype="PCM_24")
    with pytest.raises(ProtocolError) as raised:
        check_unchanged(before)
    assert raised.value.code is ErrorCode.FILE_CHANGED
    assert "My Song.wav" in raised.value.sentence


def test_a_file_that_was_touched_only(song_file):
    before = state_of(song_file)
    os.utime(song_file, ns=(before.modified_ns, before.modified_ns + 1_000_000))
    with pytest.raises(ProtocolError, match="changed while"):
        check_unchanged(before)


def test_audio_the_store_lost(tmp_path):
    with pytest.raises(ProtocolError) as raised:
        stored_song("ab" * 32, "song", BlobStore(tmp_path / "blobs"))
    assert raised.value.code is ErrorCode.STORE_FAILED


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AudioFileError, ErrorCode.FILE_UNREADABLE),
        (StoreError, ErrorCode.STORE_FAILED),
        (SpliceError, ErrorCode.INTERNAL),
        (ClipStoreError, ErrorCode.INTERNAL),
    ],
)
def test_what_the_store_says_is_passed_on(error, code):
    found = as_protocol_error(error("What was wrong.", "What to do."), "source")
    assert (found.code, found.sentence, found.remedy, found.field) == (
        code,
        "What was wrong.",
        "What to do.",
        "source",
    )
