"""The names of a take's files: readable, safe, and never another take's."""

from dataclasses import replace

import pytest

from clip_store.audio.audio_file import write_wav
from clip_store.take_files import attachment_endings, clip_of, free_name
from tests.clip_store.sounds import song
from tests.clip_store.takes import stored_take

TAKE = stored_take(title="Slow Song", task="repaint", number=1)


def clip(path, take):
    """A take's clip, as it lies among others."""
    write_wav(path, song(100), None, {"take": take})


def test_attachments_with_one_ending_have_their_names_before_it():
    found = attachment_endings(["arrangement.mid", "chords.mid", "notes.json"], taken=[".json"])
    assert found == {"arrangement.mid": ".mid", "chords.mid": ".chords.mid", "notes.json": ".notes.json"}


def test_a_name_says_song_task_and_number(tmp_path):
    assert free_name(tmp_path, TAKE, "t1") == "Slow Song.repaint.1"
    assert free_name(tmp_path, replace(TAKE, number=3), "t1") == "Slow Song.repaint.3"


def test_a_stem_is_named_too(tmp_path):
    take = replace(TAKE, task="extract", stem="vocals")
    assert free_name(tmp_path, take, "t1") == "Slow Song.extract.1.vocals"


@pytest.mark.parametrize("title", ["../../etc/passwd", "AC/DC", "C:\\song", "a\x00b"])
def test_no_title_leads_out_of_the_folder(tmp_path, title):
    name = free_name(tmp_path, replace(TAKE, title=title, stem="../x"), "t1")
    assert not set(name) & {"/", "\\", "\x00"}
    assert (tmp_path / f"{name}.wav").resolve().parent == tmp_path.resolve()


def test_another_takes_clip_is_passed_over(tmp_path):
    clip(tmp_path / "Slow Song.repaint.1.wav", "t1")
    clip(tmp_path / "Slow Song.repaint.2.wav", "t2")
    assert free_name(tmp_path, TAKE, "t3") == "Slow Song.repaint.3"


def test_a_takes_own_clip_keeps_its_name(tmp_path):
    clip(tmp_path / "Slow Song.repaint.1.wav", "t1")
    clip(tmp_path / "Slow Song.repaint.2.wav", "t2")
    assert free_name(tmp_path, TAKE, "t2") == "Slow Song.repaint.2"


def test_what_is_no_clip_is_passed_over(tmp_path):
    (tmp_path / "Slow Song.repaint.1.wav").write_bytes(b"not audio")
    write_wav(tmp_path / "Slow Song.repaint.2.wav", song(100))
    (tmp_path / "Slow Song.repaint.3.wav").mkdir()
    assert free_name(tmp_path, TAKE, "t1") == "Slow Song.repaint.4"


def test_whose_clip_a_file_is(tmp_path):
    clip(tmp_path / "a.wav", "t1")
    assert clip_of(tmp_path / "a.wav", "t1")
    assert not clip_of(tmp_path / "a.wav", "t2")
    assert not clip_of(tmp_path / "nothing.wav", "t1")


@pytest.mark.parametrize(
    ("label", "found"), [("Chorus, größer", "Chorus, größer"), ("../../up", "_.._up"), ("é" * 80, "é" * 30)]
)
def test_a_take_with_a_name_has_it_in_place_of_its_task(tmp_path, label, found):
    assert free_name(tmp_path, TAKE, "t1", label) == f"Slow Song.{found}.1"
