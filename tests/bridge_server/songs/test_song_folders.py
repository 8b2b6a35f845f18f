"""The list of songs: what lies below the roots, without what the bridge wrote there itself."""

import os
from pathlib import Path

import numpy as np
import soundfile

from bridge_server.jobs.database import DATABASE
from bridge_server.songs.song_folders import list_songs
from clip_store.audio.audio import Audio, Encoding
from clip_store.audio.audio_file import write_wav
from clip_store.audio.broadcast_wav import Bext
from clip_store.audio.flac_file import write_flac
from clip_store.audio.riff import WaveForm
from clip_store.mix.write_mix import RECIPE_COMMENT
from clip_store.store import ORIGINATOR


def song(path: Path, moment: int = 1000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(10), 44100)
    os.utime(path, (moment, moment))
    return path


def clip(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, Audio(np.zeros((10, 2), np.float32), 44100, Encoding.FLOAT), Bext(originator=ORIGINATOR))
    return path


def titles(*roots: Path, store: Path | None = None) -> list[str]:
    return [entry.title for entry in list_songs(roots, store or roots[0] / "store", limit=10)]


def test_songs_are_found_below_the_roots_newest_first_without_the_store(tmp_path):
    names = ("a.wav", "deep/b.flac", "deep/er/and/deeper/c.wav", "store/d.wav", ".e.wav")
    for number, name in enumerate(names):
        song(tmp_path / name, 1000 + number)
    (tmp_path / "notes.txt").write_text("no song")
    found = list_songs((tmp_path, tmp_path), tmp_path / "store", limit=10)
    assert [entry.title for entry in found] == ["b", "a"]
    assert found[0].source == str((tmp_path / "deep/b.flac").resolve())
    assert [(entry.folder, entry.ending) for entry in found] == [
        (f"{tmp_path.name}/deep", ".flac"),
        (tmp_path.name, ".wav"),
    ]
    assert len(list_songs((tmp_path,), tmp_path / "store", limit=1)) == 1


def test_folders_of_the_same_name_are_told_apart(tmp_path):
    roots = [tmp_path / "one" / "songs", tmp_path / "two" / "songs"]
    for root in roots:
        song(root / "live" / "mix.wav")
    found = list_songs(tuple(roots), tmp_path / "store", limit=10)
    assert {entry.folder for entry in found} == {f"{root.resolve().as_posix()}/live" for root in roots}


def test_what_the_bridge_wrote_is_no_song(tmp_path):
    song(tmp_path / "song.wav")
    song(tmp_path / "another.song.wav")
    clip(tmp_path / "song.repaint.1.wav")
    song(tmp_path / "song.repaint.1.song.wav")  # the files next to a clip are plain sound
    song(tmp_path / "song.repaint.1.handles.wav")
    form = WaveForm(10, 44100, 1, Encoding.PCM_16)
    write_flac(tmp_path / "song.mix.flac", form, [np.zeros((10, 1), np.float32)], {RECIPE_COMMENT: "{}"})
    assert sorted(titles(tmp_path)) == ["another.song", "song"]


def test_the_limit_counts_songs_and_not_what_is_left_out(tmp_path):
    song(tmp_path / "song.wav")
    clip(tmp_path / "clip.wav")  # newer
    assert [entry.title for entry in list_songs((tmp_path,), tmp_path / "store", limit=1)] == ["song"]


def test_a_file_that_was_written_again_is_looked_at_again(tmp_path):
    path = clip(tmp_path / "bounce.wav")
    assert titles(tmp_path) == []
    song(path)
    assert titles(tmp_path) == ["bounce"]


def test_other_stores_are_no_songs_either(tmp_path):
    song(tmp_path / "song.wav")
    song(tmp_path / "demo-output" / "store" / "blobs" / "ab" / "cd.wav")
    (tmp_path / "demo-output" / "store" / DATABASE).touch()
    assert titles(tmp_path) == ["song"]


def test_what_a_files_tags_call_it_is_listed_with_its_name(tmp_path):
    with soundfile.SoundFile(tmp_path / "bounce 7.flac", "w", 44_100, 1, format="FLAC") as file:
        file.title, file.artist = "Night\x1b[2J drive", "Ich"
        file.write(np.zeros(10))
    (tmp_path / "broken.wav").write_bytes(b"RIFF....")
    found = {entry.title: entry for entry in list_songs((tmp_path,), tmp_path / "store", limit=10)}
    assert (found["bounce 7"].tag_title, found["bounce 7"].tag_artist) == ("Night [2J drive", "Ich")
    assert (found["broken"].tag_title, found["broken"].tag_artist) == ("", "")
