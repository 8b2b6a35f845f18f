from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

import pytest

from bridge_server.songs.alike import alike, as_text, existing, upload_title

NAME = "Gr\u00f6\u00dfe.wav"
APART = unicodedata.normalize("NFD", NAME)


def test_names_a_producer_would_call_the_same():
    assert alike(NAME) == alike(APART) == alike(NAME.upper())
    assert alike("caf\udce9.wav") == alike("caf?.wav")
    assert alike("a.wav") != alike("b.wav")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take these names for the same themselves")
@pytest.mark.parametrize(
    ("there", "asked", "found"),
    [
        ([APART], NAME, APART),
        ([NAME], APART, NAME),
        ([NAME, APART], NAME, NAME),
        (["Song.wav"], "SONG.WAV", "Song.wav"),
        (["Song.wav", "song.wav"], "SONG.wav", None),  # one of them would be the wrong one
        (["Song.wav", "song.wav"], "song.wav", "song.wav"),
        ([APART, NAME.upper()], NAME, APART),  # only the accent differs
        (["caf\udce9.wav"], "caf?.wav", "caf\udce9.wav"),
        (["caf\udce9.wav", "caf\udce8.wav"], "caf?.wav", None),
        ([], NAME, None),
        ([NAME], "x" * 1000, None),
        ([NAME], "a\0b", None),
    ],
)
def test_existing(tmp_path, there, asked, found):
    for name in there:
        (tmp_path / name).touch()
    assert existing(tmp_path / asked) == tmp_path / (asked if found is None else found)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take these names for the same themselves")
def test_folders_on_the_way(tmp_path):
    (tmp_path / APART / "Mixes").mkdir(parents=True)
    (tmp_path / APART / "Mixes" / APART).touch()
    asked = tmp_path / NAME / "mixes" / NAME
    assert existing(asked) == existing(asked, tmp_path) == tmp_path / APART / "Mixes" / APART


def test_nothing_is_looked_for_outside(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "Secret.wav").touch()
    asked = tmp_path / "root" / ".." / "SECRET.WAV"
    assert existing(asked, tmp_path / "root") == asked


def test_a_relative_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Song.wav").touch()
    assert existing(Path("SONG.wav")).samefile("Song.wav")
    assert existing(Path("none.wav")) == Path("none.wav")


def test_a_name_as_requests_take_it():
    assert as_text("caf\udce9\n" + "x" * 200, 10) == "caf?_xxxxx"
    assert as_text(os.fsdecode(b"song"), 128) == "song"


def test_an_uploads_title_is_its_files_name_whichever_system_it_comes_from():
    names = ("My Song.wav", "C:\\Music\\My Song.mp3", "takes/My Song", ".wav", "")
    assert [upload_title(name) for name in names] == ["My Song", "My Song", "My Song", ".wav", "song"]
