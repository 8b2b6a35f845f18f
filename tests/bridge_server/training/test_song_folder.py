"""Folders of songs: words from the files beside them, and a sentence for everything that cannot be learnt from."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from bridge_server.training.song_folder import BPM_RANGE, MAX_SONGS, MIN_SECONDS, songs_in
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.training.songs_to_learn import three_songs, write_song


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return three_songs(tmp_path / "songs")


def refused(folder: Path) -> ProtocolError:
    with pytest.raises(ProtocolError) as found:
        songs_in(folder)
    assert found.value.remedy
    assert found.value.field == "songs"
    return found.value


def test_songs_come_by_name_with_what_is_known_of_them(folder: Path) -> None:
    (folder / "rain.json").write_text(
        json.dumps(
            {"caption": "brushes and rain", "bpm": "95.6", "keyscale": "C minor", "timesignature": "3/4"}
        )
    )
    (folder / "rain.lyrics.txt").write_text("[Verse]\nla la\n", encoding="utf-8-sig")
    (folder / "late-train.caption.txt").write_text("a train, late")
    (folder / "notes.md").write_text("no song")
    late, rain, slow = songs_in(folder)
    assert [song.path.name for song in (late, rain, slow)] == ["late-train.wav", "rain.wav", "slow_walk.wav"]
    assert late.words == {"caption": "a train, late"}
    assert slow.words == {"caption": "slow walk", "describe": True}
    assert slow.as_it_is().words == {"caption": "slow walk"}
    assert rain.words == {
        "caption": "brushes and rain", "lyrics": "[Verse]\nla la", "key": "C minor", "meter": "3", "bpm": 96,
    }  # fmt: skip
    assert rain.fields == {"name": "rain.wav", "digest": rain.digest, **rain.words}
    assert len({song.digest for song in (late, rain, slow)}) == 3
    assert rain.seconds == pytest.approx(5.2)


def test_reading_ends_between_two_songs(folder: Path) -> None:
    asked: list[None] = []

    def check() -> None:
        asked.append(None)
        if len(asked) == 2:
            raise ProtocolError(ErrorCode.CANCELLED, "Enough.", "Read them again.")

    with pytest.raises(ProtocolError, match="Enough"):
        songs_in(folder, check=check)
    assert len(asked) == 2
    assert len(songs_in(folder, check=lambda: asked.append(None))) == 3
    assert len(asked) == 5


def test_a_folder_that_cannot_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_self: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "iterdir", gone)
    error = refused(folder)
    assert error.code is ErrorCode.FILE_UNREADABLE
    assert str(folder) in error.sentence


def test_a_folder_without_songs(tmp_path: Path) -> None:
    assert "There is no song in" in refused(tmp_path).sentence
    assert "There is no folder" in refused(tmp_path / "nowhere").sentence


@pytest.mark.parametrize(
    ("seconds", "level", "sentence"),
    [
        (1.0, 0.3, "extra.wav lasts 1.0 s; a song to train on lasts 5.1 s or more."),
        (5.2, 0.0, "extra.wav is silent."),
    ],
)
def test_one_song_that_cannot_be_learnt_from_is_named(
    folder: Path, seconds: float, level: float, sentence: str
) -> None:
    write_song(folder / "extra.wav", 50.0, seconds, level)
    assert refused(folder).sentence == sentence


def test_a_damaged_song_is_named(folder: Path) -> None:
    (folder / "extra.flac").write_bytes(b"fLaC" + bytes(100))
    error = refused(folder)
    assert error.code is ErrorCode.FILE_UNREADABLE
    assert "extra.flac" in error.sentence


def test_the_same_audio_twice_is_named(folder: Path) -> None:
    (folder / "rain copy.wav").write_bytes((folder / "rain.wav").read_bytes())
    assert refused(folder).sentence == "rain.wav is the same audio as rain copy.wav."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("no JSON", "rain.json is no JSON object."),
        ("[1]", "rain.json is no JSON object."),
        ('{"bpm": "fast"}', f"bpm fast; it must be a number from {BPM_RANGE[0]} to {BPM_RANGE[1]}."),
        ('{"bpm": 1e999}', "it must be a number"),
        ('{"caption": ["a"]}', "rain.json has a caption that is no text."),
    ],
)
def test_words_that_cannot_be_read_are_named(folder: Path, text: str, sentence: str) -> None:
    (folder / "rain.json").write_text(text)
    assert sentence in refused(folder).sentence


def test_lyrics_that_are_no_text_are_named(folder: Path) -> None:
    (folder / "rain.txt").write_bytes(b"\xff\xfe\xfa")
    assert refused(folder).sentence == "rain.txt cannot be read as text."


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes in folders are a matter of POSIX systems")
@pytest.mark.parametrize("ending", [".txt", ".lyrics.txt", ".caption.txt", ".json"])
def test_a_pipe_for_words_is_named_and_not_waited_for(folder: Path, ending: str) -> None:
    os.mkfifo(folder / f"rain{ending}")
    error = refused(folder)
    assert error.sentence.startswith(f"rain{ending} cannot be read: ")
    assert error.code is ErrorCode.FILE_UNREADABLE


def test_a_folder_for_words_is_named(folder: Path) -> None:
    (folder / "rain.json").mkdir()
    assert refused(folder).sentence.startswith("rain.json cannot be read: ")


def test_words_of_more_than_a_megabyte_are_refused(folder: Path) -> None:
    words = folder / "rain.txt"
    words.write_bytes(b"la" * 500_000)
    assert len(songs_in(folder)) == 3
    words.write_bytes(b"la" * 500_000 + b"!")
    error = refused(folder)
    assert error.sentence == "rain.txt is larger than 1 MB."
    assert error.code is ErrorCode.TOO_LARGE


def test_more_songs_than_are_trained_on(tmp_path: Path) -> None:
    for number in range(MAX_SONGS + 1):
        (tmp_path / f"{number}.wav").write_bytes(b"")
    assert refused(tmp_path).code is ErrorCode.TOO_LARGE


def test_the_shortest_song_is_that_of_the_network() -> None:
    pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
    from model.acestep.training import preparation

    assert preparation.MIN_SECONDS == MIN_SECONDS
