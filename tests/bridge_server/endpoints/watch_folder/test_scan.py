import os
import sys

import pytest

from bridge_server.endpoints.watch_folder.scan import Settling, scan


def write(path, size=10, age=100):
    path.write_bytes(b"x" * size)
    os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    return path


def names(drops):
    return [dropped.path.name for dropped in drops]


def test_sound_files_are_found_and_nothing_else(tmp_path):
    for name in ("b.wav", "a.WAV", "c.flac", "d.txt", ".hidden.wav", "e.wav.part", "f.mp3", "g.aiff"):
        write(tmp_path / name)
    (tmp_path / "Takes").mkdir()
    write(tmp_path / "Takes" / "h.wav")
    (tmp_path / "folder.wav").mkdir()
    assert names(scan(tmp_path)) == ["a.WAV", "b.wav", "c.flac", "g.aiff"]


def test_kinds_that_are_no_usual_bounces_count_where_they_ask(tmp_path):
    for name in (
        "a [repaint 1].mp3",
        "b.caf",
        "c.m4a",
        "d [extract].m4a",
        "e [extract] (1).OGG",
        "f [cover].mp4.part",
    ):
        write(tmp_path / name)
    write(tmp_path / "b.txt")
    found = scan(tmp_path)
    assert names(found) == ["a [repaint 1].mp3", "b.caf", "d [extract].m4a", "e [extract] (1).OGG"]
    assert [dropped.readable for dropped in found] == [True, True, False, True]


@pytest.mark.parametrize("ending", ["au", "snd", "oga", "bw64"])
def test_every_kind_that_docs_files_names_counts_where_it_asks(tmp_path, ending):
    write(tmp_path / f"a [repaint 1].{ending}")
    (found,) = scan(tmp_path)
    assert found.readable


def test_a_bounce_in_several_kinds_at_once_counts_once(tmp_path):
    """Logic and others write WAV and MP3, or MP3 and M4A, in one go."""
    for name in ("a [repaint 1].mp3", "a [repaint 1].wav", "b [repaint 1].mp3", "b [repaint 1].m4a"):
        write(tmp_path / name)
    assert names(scan(tmp_path)) == ["a [repaint 1].wav", "b [repaint 1].mp3"]


def test_what_lies_beside(tmp_path):
    write(tmp_path / "song.wav")
    assert scan(tmp_path)[0].words is None
    text = write(tmp_path / "Song.TXT")
    write(tmp_path / "song.progress.txt")
    assert scan(tmp_path)[0].words == text
    sidecar = write(tmp_path / "song.ace.json")
    midi = write(tmp_path / "song.mid")
    write(tmp_path / "song.error.txt")
    (dropped,) = scan(tmp_path)
    assert (dropped.words, dropped.midi, dropped.failed) == (sidecar, midi, True)


def test_one_tempo_map_serves_every_bounce_of_a_song(tmp_path):
    """What is asked for in brackets is no part of the song's name; a map of the file's very name comes first."""
    write(tmp_path / "My song [repaint 17-20].wav")
    write(tmp_path / "My song [extract, stems drums].wav")
    write(tmp_path / "Other [repaint 1].wav")
    midi = write(tmp_path / "my song.MID")
    assert [dropped.midi for dropped in scan(tmp_path)] == [midi, midi, None]
    own = write(tmp_path / "My song [repaint 17-20].midi")
    assert [dropped.midi for dropped in scan(tmp_path)] == [midi, own, None]


def test_an_accent_may_be_spelled_either_way(tmp_path):
    write(tmp_path / "Caf\u00e9.wav")
    text = write(tmp_path / "Cafe\u0301.txt")
    assert scan(tmp_path)[0].words == text


def test_a_folder_that_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError):
        scan(tmp_path / "away")
    write(tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        scan(tmp_path / "file")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right of their own on Windows")
def test_a_link_to_nowhere_is_passed_over(tmp_path):
    (tmp_path / "link.wav").symlink_to(tmp_path / "nowhere.wav")
    write(tmp_path / "song.wav")
    assert names(scan(tmp_path)) == ["song.wav"]


def test_a_file_is_given_once_when_it_has_settled(tmp_path):
    settling = Settling(2.0)
    path = write(tmp_path / "song.wav", 10, 5)
    assert settling.ready(scan(tmp_path), 0.0) == []
    path = write(tmp_path / "song.wav", 20, 4)  # still growing
    assert settling.ready(scan(tmp_path), 1.5) == []
    assert settling.ready(scan(tmp_path), 3.0) == []
    assert names(settling.ready(scan(tmp_path), 3.5)) == ["song.wav"]
    assert settling.ready(scan(tmp_path), 60.0) == []
    write(path, 20, 3)  # saved again
    assert settling.ready(scan(tmp_path), 61.0) == []
    assert names(settling.ready(scan(tmp_path), 63.0)) == ["song.wav"]
    settling.again(scan(tmp_path)[0])
    assert names(settling.ready(scan(tmp_path), 64.0)) == ["song.wav"]
    assert settling.age(scan(tmp_path)[0], 70.0) == 9.0


def test_words_that_come_later_make_it_a_new_drop(tmp_path):
    settling = Settling(1.0)
    write(tmp_path / "song.wav")
    settling.ready(scan(tmp_path), 0.0)
    assert settling.ready(scan(tmp_path), 1.0)
    write(tmp_path / "song.txt")
    assert settling.ready(scan(tmp_path), 2.0) == []
    assert settling.ready(scan(tmp_path), 3.0)


def test_an_empty_file_is_not_complete(tmp_path):
    settling = Settling(1.0)
    write(tmp_path / "song.wav", 0)
    settling.ready(scan(tmp_path), 0.0)
    assert settling.ready(scan(tmp_path), 10.0) == []
    assert names(settling.ready(scan(tmp_path), 15.0)) == ["song.wav"]  # nothing more comes, and that is said
