import multiprocessing
import os
import time
from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from clip_store.audio.audio import Encoding
from clip_store.audio.stored_wave import StoredWave
from clip_store.blobs import BlobStore, from_path, to_path
from clip_store.errors import StoreError
from tests.clip_store.sounds import song

DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)


@pytest.fixture
def blobs(tmp_path):
    return BlobStore(tmp_path / "blobs")


def files(blobs: BlobStore) -> set[Path]:
    return {path for path in blobs.root.rglob("*") if path.is_file()}


@given(DIGESTS, st.sampled_from([".wav", ".bin"]))
def test_path_round_trip(digest, suffix):
    path = to_path(digest, suffix)
    assert from_path(Path("/anywhere") / path) == digest
    assert len(path.parts) == 2


@pytest.mark.parametrize(
    "name", ["", "ab", "../../etc/passwd", "A" * 64, "g" * 64, "a" * 63, "a" * 65, "a" * 64 + "\n"]
)
def test_only_digests_become_paths(name, blobs):
    with pytest.raises(ValueError, match="digest"):
        to_path(name, ".wav")
    with pytest.raises(ValueError, match="digest"):
        blobs.has(name)


@pytest.mark.parametrize("name", ["ab/cd.wav", "ab/.x.part", f"ab/{'c' * 62}.txt", f"abc/{'c' * 61}.wav"])
def test_other_files_are_no_blobs(name):
    assert from_path(Path(name)) is None


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_put_is_got(blobs, encoding, channels):
    audio = song(1001, channels, 96000, encoding)
    digest = blobs.put(audio)
    assert digest == audio.digest
    assert blobs.has(digest)
    back = blobs.get(digest)
    assert (back.samples == audio.samples).all()
    assert back.digest == digest
    assert soundfile.info(blobs.path(digest)).subtype == encoding.value


def test_bytes_too(blobs):
    digest = blobs.put_bytes(b"MThd")
    assert blobs.get_bytes(digest) == b"MThd"
    assert blobs.has(digest)


def test_adding_what_exists_writes_nothing(blobs):
    blobs.put(song())
    before = {path: path.stat().st_ino for path in files(blobs)}
    blobs.put(song())
    assert {path: path.stat().st_ino for path in files(blobs)} == before


def test_adding_again_mends_a_blob_that_was_cut_off(blobs):
    digest = blobs.put(song())
    path = blobs.path(digest)
    path.write_bytes(path.read_bytes()[:1000])
    blobs.put(song())
    assert blobs.get(digest).digest == digest


def test_adding_again_mends_a_blob_that_was_damaged_in_place(blobs):
    audio = song(1000)
    digest = blobs.put(audio)
    text = blobs.put_bytes(b"some bytes")
    for path in (blobs.path(digest), blobs.path(text)):
        data = bytearray(path.read_bytes())
        data[-3] ^= 1
        path.write_bytes(data)
    assert len(blobs.verify()) == 2
    assert (blobs.put(audio), blobs.put_bytes(b"some bytes")) == (digest, text)
    assert blobs.verify() == ()
    assert blobs.get(digest).digest == digest


def test_what_is_not_there_is_reported(blobs):
    with pytest.raises(StoreError, match="no longer holds") as caught:
        blobs.get("0" * 64)
    assert caught.value.remedy
    assert not blobs.has("0" * 64)
    assert blobs.verify() == ()
    assert blobs.sweep(set(), 0, time.time()) == ()


def test_the_head_of_stored_audio(blobs):
    audio = song(frames=700, channels=1, rate=44100)
    info = blobs.probe(blobs.put(audio))
    assert (info.frames, info.rate, info.channels, info.encoding) == (700, 44100, 1, audio.encoding)
    with pytest.raises(StoreError, match="no longer holds"):
        blobs.probe("0" * 64)
    with pytest.raises(StoreError, match="damaged"):
        blobs.probe(blobs.put_bytes(b"no audio"))


def test_one_changed_bit_is_noticed(blobs):
    good, bad = blobs.put(song(seed=1)), blobs.put(song(seed=2))
    note = blobs.put_bytes(b"some bytes")
    for digest in (bad, note):
        path = blobs.path(digest)
        data = bytearray(path.read_bytes())
        data[-5] ^= 1
        path.write_bytes(data)
    assert set(blobs.verify()) == {blobs.path(bad), blobs.path(note)}
    assert blobs.get(good).digest == good
    for read, digest in ((blobs.get, bad), (blobs.get_bytes, note)):
        with pytest.raises(StoreError, match="damaged"):
            read(digest)


def test_sweep_removes_only_what_is_old_and_not_kept(blobs):
    now = time.time()
    kept, young, old = (blobs.put(song(seed=seed)) for seed in range(3))
    for digest in (kept, old):
        os.utime(blobs.path(digest), (now - 1000, now - 1000))
    gone = blobs.path(old)
    assert blobs.sweep({kept}, 500, now) == (gone,)
    assert not gone.exists()
    assert blobs.has(kept)
    assert blobs.has(young)


def test_putting_again_makes_an_old_blob_young(blobs):
    """Else a sweep between put and record would take it."""
    digest = blobs.put(song())
    os.utime(blobs.path(digest), (0, 0))
    blobs.put(song())
    assert blobs.sweep(set(), 500, time.time()) == ()
    assert blobs.has(digest)


def test_renewing_too(blobs):
    digest = blobs.put_bytes(b"MThd")
    os.utime(blobs.path(digest), (0, 0))
    assert blobs.renew(digest)
    assert blobs.sweep(set(), 500, time.time()) == ()
    assert not blobs.renew("0" * 64)


def test_sweep_removes_old_temporaries_and_leaves_other_files(blobs):
    digest = blobs.put(song())
    folder = blobs.path(digest).parent
    (folder / ".x.wav.123.part").write_bytes(b"half")
    (folder / "young.part").write_bytes(b"half")
    (folder / "notes.txt").write_bytes(b"mine")
    for name in (".x.wav.123.part", "notes.txt"):
        os.utime(folder / name, (0, 0))
    assert blobs.sweep({digest}, 500, time.time()) == (folder / ".x.wav.123.part",)
    assert sorted(path.name for path in folder.iterdir() if path.suffix != ".wav") == [
        "notes.txt",
        "young.part",
    ]


def _put_many(root: Path) -> None:
    for seed in range(10):
        BlobStore(root).put(song(seed=seed))


@pytest.mark.slow
def test_several_processes_put_the_same_at_once(blobs):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_put_many, args=(blobs.root,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert len(files(blobs)) == 10
    assert blobs.verify() == ()


def test_a_full_disk_leaves_no_half_blob(tiny_disk):
    blobs = BlobStore(tiny_disk)
    kept = blobs.put(song(10_000))
    with pytest.raises(StoreError, match="disk is full"):
        blobs.put(song(500_000, seed=1))
    assert blobs.verify() == ()
    assert blobs.get(kept).digest == kept
    assert not [path for path in files(blobs) if path.suffix != ".wav"]


def test_a_read_only_folder_is_reported(read_only_folder):
    with pytest.raises(StoreError, match="read-only"):
        BlobStore(read_only_folder).put(song())


def test_a_blob_read_in_stretches_is_checked_once_and_again_when_it_changes(blobs, monkeypatch):
    digest = blobs.put(song())
    counted = []
    monkeypatch.setattr(StoredWave, "digest", lambda wave: counted.append(wave) or digest)
    for _ in range(3):
        assert blobs.wave(digest).form.frames == song().frames
    assert len(counted) == 1
    path = blobs.path(digest)
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.utime(path, ns=(1, 1))
    monkeypatch.undo()
    with pytest.raises(StoreError, match="damaged"):
        blobs.wave(digest)
    path.write_bytes(data[:100])
    with pytest.raises(StoreError, match="damaged"):
        blobs.wave(digest)
    with pytest.raises(StoreError, match="no longer"):
        blobs.wave("0" * 64)
