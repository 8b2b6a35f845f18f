"""Titles in files' tags: what every format says, odd encodings, and words that are no title."""

import io
import struct

import numpy as np
import pytest
import soundfile

from clip_store.audio.audio_file import probe_audio
from clip_store.audio.tags import MAX_TAG, NO_TAGS, Tags, cleaned, info_in

SOUND = np.zeros((480, 1))
KINDS = [
    ("a.wav", "WAV", "PCM_16"), ("a.flac", "FLAC", "PCM_16"), ("a.aif", "AIFF", "PCM_24"), ("a.caf", "CAF", "PCM_16"),
    ("a.ogg", "OGG", "VORBIS"), ("a.mp3", "MP3", None),
]  # fmt: skip


def tagged(path, title, artist, kind="WAV", subtype="PCM_16"):
    with soundfile.SoundFile(path, "w", 48_000, 1, subtype=subtype, format=kind) as file:
        file.title, file.artist = title, artist
        file.write(SOUND)
    return path


@pytest.mark.parametrize(("name", "kind", "subtype"), KINDS)
def test_title_and_artist_of_every_format(tmp_path, name, kind, subtype):
    path = tagged(tmp_path / name, "Größe 曲 🎵", "Ich & du", kind, subtype)
    assert probe_audio(path).tags == Tags("Größe 曲 🎵", "Ich & du")


def test_a_file_without_tags_has_none(tmp_path):
    soundfile.write(tmp_path / "a.wav", SOUND, 48_000)
    assert probe_audio(tmp_path / "a.wav").tags == NO_TAGS


def info_list(*entries):
    """A RIFF INFO list."""
    body = b"INFO"
    for name, text in entries:
        body += struct.pack("<4sI", name, len(text) + 1) + text + b"\0" + b"\0" * ((len(text) + 1) & 1)
    return struct.pack("<4sI", b"LIST", len(body)) + body


def wav_with(path, chunk):
    soundfile.write(path, SOUND, 48_000)
    whole = path.read_bytes() + chunk
    path.write_bytes(whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:])
    return path


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Größe".encode("cp1252"), "Größe"), ("Größe".encode(), "Größe"), (b"tab\there", "tab here"),
        (b"\x1b[31mred\r\nline", "[31mred line"), (b"\xff\xfe\x81", "ÿþ\ufffd"), (b"   ", ""),
        (b"a" * 300, "a" * MAX_TAG),
    ],
)  # fmt: skip
def test_odd_encodings_and_control_characters(tmp_path, written, read):
    path = wav_with(tmp_path / "a.wav", info_list((b"INAM", written), (b"ISFT", b"x"), (b"IART", b"Band")))
    assert probe_audio(path).tags == Tags(read, "Band")


@pytest.mark.parametrize("size", [0, 1, 7, 0xFFFFFFFF])
def test_a_list_whose_sizes_are_not_true_ends_where_its_bytes_do(size):
    body = b"INFO" + struct.pack("<4sI", b"INAM", size) + b"Song\0\0"
    head = b"RIFF\0\0\0\0WAVE" + struct.pack("<4sI", b"LIST", len(body)) + body
    assert info_in(io.BytesIO(head)).title in ("", "S", "Song")


def test_other_files_have_no_info_list():
    assert info_in(io.BytesIO(b"fLaC")) == NO_TAGS
    assert info_in(io.BytesIO(b"")) == NO_TAGS


def test_what_cannot_be_printed_becomes_a_blank():
    assert cleaned("\u202eevil\u2066 \x00\x7f name\u2028x") == "evil name x"
