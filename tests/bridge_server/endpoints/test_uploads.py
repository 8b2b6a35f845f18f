import hashlib
import io

import numpy as np
import pytest
import soundfile

from bridge_server.endpoints.uploads import Upload
from clip_store.audio.layout import NEVER_FINISHED
from clip_store.blobs import BlobStore
from daw_protocol.errors import ErrorCode
from daw_protocol.requests import BeginUpload
from tests.clip_store.audio import odd_files as odd
from tests.refusals import refusal

MOST = 10_000_000


def wav_bytes(frames=4800):
    out = io.BytesIO()
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (frames, 2))
    soundfile.write(out, samples, 48000, format="WAV", subtype="PCM_24")
    return out.getvalue()


WAV = wav_bytes()


def announced(data=WAV, **changes):
    values = {"name": "My Song.wav", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return BeginUpload(**{**values, **changes})


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "uploads"


@pytest.mark.parametrize("frame", [1000, 4096, len(WAV)])
def test_frames_of_any_size_become_a_song(folder, tmp_path, frame):
    upload = Upload(announced(), folder, MOST)
    for start in range(0, len(WAV), frame):
        assert not upload.complete
        upload.write(WAV[start : start + frame])
    assert upload.complete
    blobs = BlobStore(tmp_path / "blobs")
    name = upload.keep(blobs, 60)
    assert (upload.stamp, upload.note) == (None, "")
    upload.close()
    audio = blobs.get(name.removeprefix("audio:"))
    assert (audio.frames, audio.rate, audio.channels) == (4800, 48000, 2)
    assert list(folder.iterdir()) == []


def test_what_is_odd_about_a_file_is_noted(folder, tmp_path):
    data = odd.wave_with_size(0)
    upload = Upload(announced(size=len(data), sha256=hashlib.sha256(data).hexdigest()), folder, MOST)
    upload.write(data)
    upload.keep(BlobStore(tmp_path / "blobs"), 60)
    assert upload.note == NEVER_FINISHED
    upload.close()


def test_the_hash_may_be_written_in_capitals(folder, tmp_path):
    upload = Upload(announced(sha256=hashlib.sha256(WAV).hexdigest().upper()), folder, MOST)
    upload.write(WAV)
    assert upload.keep(BlobStore(tmp_path / "blobs"), 60).startswith("audio:")
    upload.close()


def test_too_large(folder):
    error = refusal(Upload, announced(), folder, len(WAV) - 1)
    assert (error.code, error.field) == (ErrorCode.TOO_LARGE, "size")
    assert "My Song.wav" in error.sentence
    assert not folder.exists()


def test_larger_than_the_disk(small_disk):
    folder = small_disk / "uploads"
    error = refusal(Upload, announced(), folder, MOST)
    assert (error.code, error.field) == (ErrorCode.STORE_FAILED, "size")
    assert "no room for My Song.wav" in error.sentence
    assert list(folder.iterdir()) == []


def test_more_than_was_announced(folder):
    upload = Upload(announced(size=len(WAV) - 1), folder, MOST)
    error = refusal(upload.write, WAV)
    assert (error.code, error.field) == (ErrorCode.BAD_UPLOAD, "size")
    upload.close()
    assert list(folder.iterdir()) == []


def test_damaged_on_the_way(folder, tmp_path):
    upload = Upload(announced(), folder, MOST)
    upload.write(WAV[:-1] + b"?")
    error = refusal(upload.keep, BlobStore(tmp_path / "blobs"), 60)
    assert (error.code, error.field) == (ErrorCode.BAD_UPLOAD, "sha256")
    upload.close()
    assert not (tmp_path / "blobs").exists()


@pytest.mark.parametrize("data", [b"la la la\n" * 100, WAV[: len(WAV) // 2], b"x"])
def test_not_a_song(folder, tmp_path, data):
    upload = Upload(announced(data), folder, MOST)
    upload.write(data)
    error = refusal(upload.keep, BlobStore(tmp_path / "blobs"), 60)
    assert (error.code, error.field) == (ErrorCode.FILE_UNREADABLE, "source")
    assert "My Song.wav" in error.sentence  # not the name of our copy
    upload.close()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("song.flac", ".flac"),
        ("SONG.WAV", ".WAV"),
        ("song", ".wav"),
        ("../../etc/passwd", ".wav"),
        ("a.wav/../../b", ".wav"),
        ("song.wav:stream", ".wav"),
        ("song.verylongsuffix", ".wav"),
        ("song.wa v", ".wav"),
        ("歌.ogg", ".ogg"),
    ],
)
def test_of_the_name_only_a_plain_suffix_is_used(folder, name, suffix):
    upload = Upload(announced(name=name), folder, MOST)
    (path,) = folder.iterdir()
    assert path.suffix == suffix
    assert folder in path.parents
    upload.close()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    error = refusal(Upload, announced(), tmp_path / "file" / "uploads", MOST)
    assert error.code is ErrorCode.STORE_FAILED


def test_closing_twice_is_once(folder):
    upload = Upload(announced(), folder, MOST)
    upload.close()
    upload.close()
    assert list(folder.iterdir()) == []
