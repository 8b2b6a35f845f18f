import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wavinfo import WavInfoReader

from clip_store.audio.audio import Encoding
from clip_store.audio.audio_file import read_audio, write_wav
from clip_store.audio.broadcast_wav import read_recipe
from clip_store.errors import StoreError, TakeError
from clip_store.splice import splice, with_clip
from clip_store.store import ClipStore, bext_of, clip_name, file_stem, statement
from clip_store.take import Attachment, Take, unmeasured
from daw_protocol.recipe import Recipe
from daw_protocol.timeline.span import Span
from tests.clip_store.sounds import noise, song

REGION = Span(1000, 3000)


@pytest.fixture
def store(tmp_path):
    connection = sqlite3.connect(tmp_path / "bridge.db")
    yield ClipStore(tmp_path / "store", connection)
    connection.close()


@pytest.fixture
def song_file(tmp_path):
    path = tmp_path / "Song.wav"
    write_wav(path, song(4800))
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return path


def make_take(store, song_file, name="1a2b3c4d5e6f", **changes):
    """A spliced take as the server makes one: (take, spliced)."""
    digest = store.blobs.put(read_audio(song_file, 10))
    old = store.blobs.get(digest)
    spliced = splice(old, noise(REGION.length, seed=7), REGION, 100)
    take = Take(
        id=name,
        job="job-1",
        number=2,
        task="repaint",
        parent=digest,
        audio=spliced.clip.digest,
        result=with_clip(old, spliced.clip, REGION.start).digest,
        position=96_000 + REGION.start,
        start=REGION.start,
        length=REGION.length,
        rate=48_000,
        created=1_770_000_000.0,
        title="Größe: der Song",
        recipe=Recipe(engine="sketch", seed=7),
        receipt=unmeasured(96_000 + REGION.start, REGION.length, 48_000),
        request={"caption": "曲"},
    )
    return replace(take, **changes), spliced


def test_a_take_from_song_to_clip_file(store, song_file):
    take, spliced = make_take(store, song_file)
    store.keep(take, spliced.clip)
    path = store.clip_path(take)
    assert path.relative_to(store.root).as_posix() == "clips/2026-02/Größe_ der Song.repaint.2-1a2b3c4d.wav"
    assert read_audio(path, 10).digest == spliced.clip.digest
    info = WavInfoReader(str(path))
    assert info.bext.time_reference == 97_000
    assert info.bext.description.startswith('Machine-generated or machine-assisted audio: repaint of "Grosse')
    assert "sketch" in info.bext.description
    assert (info.bext.originator_date, info.bext.originator_time) == ("2026-02-02", "02:40:00")
    assert info.bext.coding_history == "A=PCM,F=48000,W=24,M=stereo,T=Takebridge repaint\r\n"
    recipe = read_recipe(path)
    assert recipe["recipe"] == take.recipe.to_fields()
    assert recipe["request"] == {"caption": "曲"}
    assert recipe["parent"] == take.parent
    assert "Machine-generated" in recipe["statement"]
    assert store.song_with(take).digest == take.result


def test_the_clip_file_is_written_once_and_again_when_gone(store, song_file):
    take, spliced = make_take(store, song_file)
    store.keep(take, spliced.clip)
    path = store.clip_path(take)
    first = path.stat().st_ino
    assert store.clip_path(store.index.get(take.id)) == path
    assert path.stat().st_ino == first
    whole = path.read_bytes()
    path.unlink()
    assert store.clip_path(take).read_bytes() == whole


def test_an_edited_clip_file_is_not_overwritten(store, song_file):
    take, spliced = make_take(store, song_file)
    store.keep(take, spliced.clip)
    path = store.clip_path(take)
    whole, half = path.read_bytes(), path.read_bytes()[:-1000]
    path.write_bytes(half)
    second = store.clip_path(take)
    assert second.name == "Größe_ der Song.repaint.2-1a2b3c4d-2.wav"
    assert (path.read_bytes(), second.read_bytes()) == (half, whole)
    assert store.clip_path(take) == second
    second.write_bytes(half)
    assert store.clip_path(take).name.endswith("-3.wav")


def test_a_clip_file_with_other_notes_is_left_as_it_is(store, song_file):
    """Some DAWs write their own notes into the files they import."""
    take, spliced = make_take(store, song_file)
    store.keep(take, spliced.clip)
    path = store.clip_path(take)
    path.write_bytes(path.read_bytes().replace(b"iXML", b"junk"))
    before = path.read_bytes()
    assert store.clip_path(take) == path
    assert path.read_bytes() == before


def test_two_takes_of_one_request_have_two_names(store, song_file):
    take, _ = make_take(store, song_file)
    assert clip_name(take) != clip_name(replace(take, number=3))
    assert clip_name(take) != clip_name(replace(take, id="99999999"))
    assert clip_name(replace(take, stem="drums")).name == "Größe_ der Song.repaint.drums.2-1a2b3c4d.wav"


def test_blob_first_record_second(store, song_file):
    """Whatever keep refuses, no record without audio comes of it."""
    take, spliced = make_take(store, song_file)
    with pytest.raises(StoreError, match="not the audio"):
        store.keep(take, song(10))
    with pytest.raises(StoreError, match="not the audio"):
        store.keep(take, spliced.clip, handles=song(10))
    with pytest.raises(StoreError, match="not the audio"):
        store.keep(replace(take, handles="0" * 64), spliced.clip)
    with pytest.raises(StoreError, match="not stored"):
        store.keep(replace(take, parent="0" * 64), spliced.clip)
    lost = Attachment("band.mid", "audio/midi", "0" * 64)
    with pytest.raises(StoreError, match="not stored"):
        store.keep(replace(take, attachments=(lost,)), spliced.clip)
    assert store.index.list() == ()
    store.keep(take, spliced.clip)
    with pytest.raises(TakeError, match="already"):
        store.keep(take, spliced.clip)


def test_handles_and_attachments_are_kept(store, song_file):
    handles = song(9600, seed=3)
    midi = Attachment("band.mid", "audio/midi", store.blobs.put_bytes(b"MThd"))
    take, spliced = make_take(store, song_file, handles=handles.digest, attachments=(midi,))
    store.keep(take, spliced.clip, handles)
    assert store.blobs.get(handles.digest).digest == handles.digest
    assert store.blobs.get_bytes(midi.digest) == b"MThd"
    assert store.index.referenced_digests() == {handles.digest, midi.digest, take.parent, take.audio}


def test_a_clip_file_exists_once_it_was_asked_for(store, song_file):
    take, spliced = make_take(store, song_file)
    store.keep(take, spliced.clip)
    assert store.existing_clip(take) is None
    path = store.clip_path(take)
    assert store.existing_clip(take) == path
    write_wav(path, song(10))  # a DAW edited it in place: no clip of this take any more
    assert store.existing_clip(take) is None
    assert store.clip_path(take) != path
    assert store.existing_clip(take) == store.clip_path(take)


def test_a_take_without_a_song(store):
    audio = song(500)
    take = Take(
        "gen-1",
        "j",
        1,
        "generate",
        None,
        audio.digest,
        0,
        0,
        500,
        48_000,
        0.0,
        receipt=unmeasured(0, 500, 48_000),
    )
    store.keep(take, audio)
    assert store.song_with(take).digest == audio.digest
    assert store.clip_path(take).name == "_.generate.1-gen-1.wav"


def test_a_full_disk_leaves_store_and_index_as_they_were(tiny_disk, tmp_path):
    connection = sqlite3.connect(tmp_path / "bridge.db")
    store = ClipStore(tiny_disk, connection)
    audio = song(500_000)
    take = Take(
        "x", "j", 1, "generate", None, audio.digest, 0, 0, 500_000, 48_000, 0.0,
        receipt=unmeasured(0, 500_000, 48_000),
    )  # fmt: skip
    with pytest.raises(StoreError, match="disk is full"):
        store.keep(take, audio)
    assert store.index.list() == ()
    assert [path for path in tiny_disk.rglob("*") if path.is_file()] == []
    connection.close()


@pytest.mark.slow
def test_killed_at_any_moment_no_record_is_without_audio(tmp_path):
    """A child keeps takes as fast as it can, one transaction each; it is killed at many moments."""
    program = textwrap.dedent("""
        import itertools, sqlite3, sys
        from pathlib import Path
        from clip_store.store import ClipStore
        from clip_store.take import Take, unmeasured
        from tests.clip_store.sounds import song
        root = Path(sys.argv[1])
        connection = sqlite3.connect(root / "bridge.db")
        connection.execute("PRAGMA journal_mode = WAL")
        store = ClipStore(root / "store", connection)
        connection.commit()
        first = len(store.index.list(limit=10**6))
        print("ready", flush=True)
        for number in itertools.count(first):
            audio = song(20_000, seed=number)
            receipt = unmeasured(0, 20_000, 48_000)
            take = Take(str(number), "j", 1, "generate", None, audio.digest, 0, 0, 20_000, 48_000, 0.0, receipt=receipt)
            with connection:
                store.keep(take, audio)
            print(number, flush=True)
    """)
    reported: list[int] = []
    for moment in range(8):
        child = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        reported += [int(child.stdout.readline()) for _ in range(2)]
        time.sleep(moment * 0.013)
        child.kill()
        reported += [int(line) for line in child.communicate()[0].split("\n")[:-1]]
    connection = sqlite3.connect(tmp_path / "bridge.db")
    store = ClipStore(tmp_path / "store", connection)
    takes = store.index.list(limit=10**6)
    assert {str(number) for number in reported} <= {take.id for take in takes}
    assert len(reported) > 8
    for take in takes:
        assert store.blobs.get(take.audio).digest == take.audio
    assert store.blobs.verify() == ()
    connection.close()


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Song", "Song"),
        ("a/b\\c:d", "a_b_c_d"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("...", "_"),
        ("", "_"),
        (" x. ", "x"),
        ("CON", "_CON"),
        ("com1.mix", "_com1.mix"),
        ("con .mix", "_con .mix"),
        ("LPT\u00b2", "_LPT\u00b2"),
        ("conin$", "_conin$"),
        ("CONTRA", "CONTRA"),
        ("com10", "com10"),
        ("Cafe\u0301", "Café"),
        ("line\nbreak\x00", "line_break_"),
        ("x" * 300, "x" * 60),
        ("曲" * 300, "曲" * 40),
        ("🎵" * 300, "🎵" * 30),
        ("bad \udcff name", "bad _ name"),
    ],
)
def test_file_stems_by_hand(name, stem):
    assert file_stem(name) == stem


@given(st.text())
def test_any_name_makes_a_file_stem(name):
    stem = file_stem(name)
    assert 1 <= len(stem) <= 61
    assert not set(stem) & set('<>:"/\\|?*\0\n')
    assert stem not in (".", "..")
    assert len(stem.encode()) <= 121
    assert file_stem(stem) == stem or stem.startswith("_")


def test_the_longest_names_can_be_written(store, song_file):
    take, spliced = make_take(store, song_file, title="🎵" * 100, task="accompany", stem="曲" * 100)
    store.keep(take, spliced.clip)
    assert store.clip_path(take).is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are not text")
def test_a_song_whose_name_is_not_utf_8(store, song_file, tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.wav")
    song_file.rename(path)
    take, spliced = make_take(store, path, title=path.stem)
    store.keep(take, spliced.clip)
    assert store.index.get(take.id).title == "caf?"
    assert store.clip_path(take).name.startswith("caf_.")


def test_the_statement_names_engine_and_song(store, song_file):
    take, spliced = make_take(store, song_file)
    assert statement(take) == (
        'Machine-generated or machine-assisted audio: repaint of "Größe: der Song" by Takebridge'
        " with the engine sketch."
    )
    before_zero = replace(take, position=-5)
    assert bext_of(before_zero, spliced.clip).time_reference == 0


def test_float_songs_have_float_clips(store, tmp_path):
    path = tmp_path / "float.wav"
    write_wav(path, song(4800, 1, 96000, Encoding.FLOAT))
    old = read_audio(path, 10)
    store.blobs.put(old)
    spliced = splice(old, noise(100, 1, 2.0), Span(5, 105), 10)
    receipt = unmeasured(5, 100, 96_000)
    take = Take(
        "f", "j", 1, "repaint", old.digest, spliced.clip.digest, 5, 5, 100, 96_000, 0.0, receipt=receipt
    )
    store.keep(take, spliced.clip)
    clip = read_audio(store.clip_path(take), 10)
    assert (clip.encoding, clip.rate) == (Encoding.FLOAT, 96_000)
    assert clip.digest == spliced.clip.digest
