"""Whatever a decoder raises becomes a sentence that names the file and helps."""

import contextlib
import os
import random

import pytest

from clip_store.audio import decoder
from clip_store.audio.audio_file import probe_audio, read_audio
from clip_store.errors import AudioFileError
from tests.clip_store.audio import odd_files as odd


def refusal(path) -> AudioFileError:
    with pytest.raises(AudioFileError) as caught:
        read_audio(path, 60)
    assert path.name in caught.value.sentence
    assert caught.value.remedy
    assert "()" not in caught.value.sentence
    return caught.value


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\0\0\0\x20ftypM4A " + bytes(400), "MPEG-4"),
        (b"\x30\x26\xb2\x75" + bytes(400), "Windows Media"),
        (b"\x1a\x45\xdf\xa3" + bytes(400), "Matroska"),
        (b"MThd\0\0\0\6" + bytes(400), "MIDI"),
        (b"wvpk" + bytes(400), "WavPack"),
        (b"OggS" + bytes(24) + b"\x7fFLAC" + bytes(400), "Ogg FLAC"),
        (b"OggS" + bytes(24) + b"Speex   1.2" + bytes(400), "Ogg Speex"),
        (b"TTA1" + bytes(400), "True Audio"),
        (b"DSD " + bytes(400), "DSD"),
        (b"\0\5\x16\7" + bytes(400), "without ._"),
        (b"PK\3\4" + bytes(400), "ZIP"),
        (b"version https://git-lfs.github.com/spec/v1\n", "not been downloaded"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\xff\xf1\x50\x80" + bytes(400), "AAC"),
    ],
)
def test_files_that_are_often_taken_for_songs_are_named(tmp_path, data, kind):
    path = tmp_path / "song.wav"
    path.write_bytes(data)
    error = refusal(path)
    assert kind in error.sentence
    assert error.remedy == "Save it as WAV, AIFF or FLAC."


@pytest.mark.parametrize(
    "data", [b"x", b"RIFF", b"fLaC", b"OggS", b"caff", b"FORM", b"\xff\xfb\x90\0", bytes(10_000)]
)
def test_stubs(tmp_path, data):
    path = tmp_path / "song.wav"
    path.write_bytes(data)
    refusal(path)


@pytest.mark.parametrize(
    "error",
    [RuntimeError("boom"), ValueError(""), TypeError("x"), OSError(5, "Input/output error"), OverflowError()],
)
def test_whatever_is_raised_while_decoding(tmp_path, error):
    path = tmp_path / "song.wav"
    path.write_bytes(odd.wave_with_size(len(odd.SOUND)))
    with (
        pytest.raises(AudioFileError, match=r"song\.wav is damaged or cut off \(.+\)") as caught,
        decoder.opened(path),
    ):
        raise error
    assert caught.value.__cause__ is error


def test_a_missing_file_a_folder_an_empty_one_and_a_name_with_a_zero(tmp_path):
    (tmp_path / "empty.wav").touch()
    for path, words in [
        (tmp_path / "no.wav", "no file"),
        (tmp_path, "folder"),
        (tmp_path / "empty.wav", "0 bytes"),
    ]:
        assert words in refusal(path).sentence
    with pytest.raises(AudioFileError, match="cannot be opened"):
        probe_audio(tmp_path / "a\0b.wav")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "song.wav"
    path.write_bytes(odd.wave_with_size(len(odd.SOUND)))
    path.chmod(0)
    assert "may not be read" in refusal(path).sentence


SEEDS = {
    "wav": odd.wave_with_size(len(odd.SOUND)),
    "rf64": odd.long_wave(b"RF64", odd.ds64(0, len(odd.SOUND), odd.FRAMES)),
    "aiff": odd.aiff(odd.aiff_common(), odd.SOUND),
    "caf": odd.caf(-1),
    "au": odd.au(0),
    "flac": odd.flac_stating(0),
    "mp3": odd.encoded("MP3", "MPEG_LAYER_III"),
    "ogg": odd.encoded("OGG", "VORBIS"),
    "w64": odd.encoded("W64", "PCM_16"),
}


@pytest.mark.parametrize("kind", SEEDS)
def test_damaged_headers_are_read_or_refused_but_nothing_else(tmp_path, kind):
    """Bytes changed, cut out and doubled at random, mostly in the header; the same each time."""
    random_bytes = random.Random(kind)
    path = tmp_path / f"song.{kind}"
    for _ in range(150):
        data = bytearray(SEEDS[kind])
        for _ in range(random_bytes.randint(1, 6)):
            at = min(int(random_bytes.expovariate(1 / 60)), len(data) - 1)
            choice = random_bytes.random()
            if choice < 0.6:
                data[at] = random_bytes.choice([0, 1, 0x7F, 0x80, 0xFF, random_bytes.randrange(256)])
            elif choice < 0.8:
                del data[at : at + random_bytes.randint(1, 8)]
            else:
                data[at:at] = data[at : at + random_bytes.randint(1, 8)]
        if random_bytes.random() < 0.2:
            del data[random_bytes.randrange(len(data)) :]
        path.write_bytes(data)
        for read in (probe_audio, lambda path: read_audio(path, 60)):
            with contextlib.suppress(AudioFileError):
                read(path)
