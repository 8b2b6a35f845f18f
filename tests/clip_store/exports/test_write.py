import os

import numpy as np
import pytest
import soundfile
from wavinfo import WavInfoReader

from clip_store.audio.broadcast_wav import read_recipe
from clip_store.errors import StoreError
from clip_store.exports.arrange import song_project
from clip_store.exports.formats import Format
from clip_store.exports.write import write_export
from tests.clip_store.exports.songs import MOVING, describe, offset


def write(made, kind, folder, **values):
    project = song_project(made.store, made.song.digest, describe)
    return write_export(project, made.store.blobs, kind, folder, "1", **values)


def test_wav_files_carry_their_place(full, tmp_path):
    made, project = full
    written = write_export(project, made.store.blobs, Format.WAV, tmp_path, "1")
    assert len(written.files) == len(project.files)
    for path, file in zip(written.files, project.files, strict=True):
        assert path.parent == written.main
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        stored = made.store.blobs.get(file.digest).samples
        cut = max(0, -file.position)
        assert rate == made.rate
        assert np.array_equal(samples, stored[cut:])
        assert WavInfoReader(str(path)).bext.time_reference == max(0, file.position)
        recipe = read_recipe(path)
        assert recipe.get("take") == (file.take and file.take.id)


def test_what_lies_wholly_before_zero_has_no_wav(shelf, tmp_path):
    made = shelf(position=-100_000)
    made.add(0, 500)
    written = write(made, Format.WAV, tmp_path)
    # The song itself ends before zero: 96,000 samples from -100,000 on.
    assert written.files == ()


@pytest.mark.parametrize("kind", Format)
def test_nothing_is_overwritten_and_nothing_else_is_left(shelf, tmp_path, kind):
    made = shelf()
    made.add(10, 100)
    out = tmp_path / "out"
    mains = [write(made, kind, out).main for _ in range(3)]
    assert len(set(mains)) == 3
    assert {path.name for path in out.iterdir()} == {
        main.name if kind is not Format.RPP else main.parent.name for main in mains
    }
    assert not [path for path in out.rglob("*") if path.name.endswith(".part")]


@pytest.mark.parametrize("kind", Format)
def test_audio_that_is_gone_is_reported_before_anything_is_written(shelf, tmp_path, kind):
    made = shelf()
    take = made.add(10, 100)
    project = song_project(made.store, made.song.digest, describe)
    made.store.blobs.path(take.audio).unlink()
    with pytest.raises(StoreError, match="no longer holds") as raised:
        write_export(project, made.store.blobs, kind, tmp_path / "out", "1")
    assert raised.value.remedy
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", [Format.DAWPROJECT, Format.RPP, Format.AAF, Format.WAV])
def test_damaged_audio_is_refused(shelf, tmp_path, kind):
    made = shelf()
    take = made.add(10, 100)
    path = made.store.blobs.path(take.audio)
    path.write_bytes(path.read_bytes()[:-4] + b"\x01\x02\x03\x04")
    with pytest.raises(StoreError, match="damaged"):
        write(made, kind, tmp_path / "out")
    assert not [
        path for path in (tmp_path / "out").rglob("*") if path.suffix in (".dawproject", ".aaf", ".rpp")
    ]


@pytest.mark.parametrize("kind", Format)
def test_a_full_disk(shelf, tiny_disk, kind):
    made = shelf()
    made.add(10, 100)
    (tiny_disk / "filler").write_bytes(
        bytes(max(0, os.statvfs(tiny_disk).f_bavail * os.statvfs(tiny_disk).f_bsize))
    )
    with pytest.raises(StoreError, match="disk is full"):
        write(made, kind, tiny_disk / "out")


def test_a_file_where_the_folder_should_be(shelf, tmp_path):
    made = shelf()
    (tmp_path / "out").write_text("here")
    with pytest.raises(StoreError):
        write(made, Format.MIDI, tmp_path / "out")


@pytest.mark.parametrize("kind", [Format.DAWPROJECT, Format.RPP, Format.AAF, Format.WAV])
def test_progress_rises_to_the_end(shelf, tmp_path, kind):
    made = shelf()
    for _ in range(4):
        made.add(10, 100)
    fractions = []
    write(made, kind, tmp_path, progress=fractions.append)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(fractions) > 4


def test_what_a_format_cannot_carry_is_noted(shelf, tmp_path):
    made = shelf(tempo_map=offset(MOVING, "0.37"), position=-5)
    made.add(10, 100)
    notes_of = {kind: " ".join(write(made, kind, tmp_path).notes) for kind in Format}
    for notes in notes_of.values():
        assert "lead-in bar" in notes
        assert "before the timeline's zero" in notes
    assert "steps, eight" in notes_of[Format.DAWPROJECT]
    assert "no tempo" in notes_of[Format.AAF]
    assert "(mute)" in notes_of[Format.AAF]
    assert "steps" in notes_of[Format.MIDI]
    assert "cannot be muted" in notes_of[Format.WAV]
    assert "ramps" not in notes_of[Format.RPP]


class Enough(Exception):
    """Somebody cancels."""


@pytest.mark.parametrize("kind", Format)
@pytest.mark.parametrize("when", [0.0, 0.4, 1.0])
def test_what_is_cancelled_leaves_nothing(shelf, tmp_path, kind, when):
    made = shelf()
    made.add(10, 100)

    def enough(fraction):
        if fraction >= when:
            raise Enough

    with pytest.raises(Enough):
        write(made, kind, tmp_path / "out", progress=enough)
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("kind", [Format.WAV, Format.RPP, Format.DAWPROJECT])
def test_progress_moves_within_a_file(shelf, tmp_path, kind):
    made = shelf()
    moved = []
    write(made, kind, tmp_path, progress=moved.append)
    assert moved == sorted(moved)
    assert moved[-1] == 1.0
    assert [fraction for fraction in moved if 0 < fraction < 0.9], "of the song alone"
