"""The time stamp, wherever programs keep it and whatever lies before it; ffprobe is the independent reader."""

import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from clip_store.audio.audio_file import probe_audio
from clip_store.audio.time_stamp import UNREADABLE, UNSET, TimeStamp, read_stamp, stamp_of
from tests.clip_store.audio import odd_files as odd
from tests.clip_store.audio.odd_files import SOUND, bext, chunk, ds64, fmt, wave

PLACE = 384_000
FMT, DATA = chunk(b"fmt ", fmt()), chunk(b"data", SOUND)
STAMP = chunk(b"bext", bext(PLACE))
MONO_24 = chunk(b"fmt ", fmt(1, 24))
ODD = SOUND[:9_999]  # 3,333 samples of 24-bit mono

FOUND = {
    "before the sound": wave(STAMP, FMT, DATA),
    "behind the sound": wave(FMT, DATA, STAMP),
    "behind an odd chunk with its pad byte": wave(FMT, chunk(b"LIST", b"INFO1"), STAMP, DATA),
    "behind an odd chunk without": wave(FMT, chunk(b"LIST", b"INFO1", pad=False), STAMP, DATA),
    "behind an odd chunk padded with a blank": wave(
        FMT, chunk(b"LIST", b"INFO1", pad=False) + b" ", STAMP, DATA, chunk(b"JUNK", bytes(300_000))
    ),
    "behind odd sound with its pad byte": wave(MONO_24, chunk(b"data", ODD), STAMP),
    "behind odd sound without": wave(MONO_24, chunk(b"data", ODD, pad=False), STAMP),
    "behind two odd chunks without": wave(FMT, *[chunk(b"junk", b"x", pad=False)] * 2, STAMP, DATA),
    "behind an empty one": wave(chunk(b"bext", bext(0)), STAMP, FMT, DATA),
    "before one that is unset": wave(STAMP, chunk(b"bext", bext(2**64 - 1)), FMT, DATA),
    "as short as can be": wave(FMT, chunk(b"bext", bext(PLACE, 346)), DATA),
    "version 0, 348 bytes": wave(FMT, chunk(b"bext", bext(PLACE, 348)), DATA),
    "601 bytes": wave(FMT, chunk(b"bext", bext(PLACE, 601)), DATA),
    "with a long coding history": wave(FMT, chunk(b"bext", bext(PLACE, 1200)), DATA),
    "cut off behind the stamp": wave(FMT, DATA, chunk(b"bext", bext(PLACE, 400), 602)),
    "in RF64": odd.long_wave(b"RF64", ds64(0, len(SOUND), odd.FRAMES), STAMP),
    "in BW64": odd.long_wave(b"BW64", ds64(0, len(SOUND), odd.FRAMES), STAMP),
    "before sound of size 0": wave(STAMP, FMT, chunk(b"data", SOUND, 0)),
}


@pytest.mark.parametrize("name", FOUND)
def test_the_stamp_is_found(tmp_path, name):
    path = tmp_path / "song.wav"
    path.write_bytes(FOUND[name])
    assert stamp_in(path) == TimeStamp(PLACE)
    assert probe_audio(path).time_reference == PLACE


@pytest.mark.parametrize(
    "name", ["before the sound", "behind an odd chunk with its pad byte", "601 bytes", "behind an empty one"]
)
def test_an_independent_reader_finds_the_same(tmp_path, name):
    path = tmp_path / "song.wav"
    path.write_bytes(FOUND[name])
    assert ffprobe(path) == str(PLACE)


@pytest.mark.parametrize("form", ["flac", "ogg", "opus", "mp3", "caf", "wav", "aiff -write_id3v2 1"])
def test_a_stamp_that_ffmpeg_kept_in_another_format(tmp_path, form):
    (tmp_path / "song.wav").write_bytes(FOUND["before the sound"])
    name, *options = form.split()
    path = tmp_path / f"other.{name}"
    odd.ffmpeg(
        "-i",
        str(tmp_path / "song.wav"),
        *options,
        *(["-write_bext", "1"] if name == "wav" else []),
        str(path),
    )
    expected = ffprobe(path)
    assert stamp_in(path).samples == (None if expected is None else int(expected))
    assert expected == str(PLACE) or name in ("ogg", "opus", "aiff")  # where some versions drop it


def stamp_in(path: Path) -> TimeStamp:
    with path.open("rb") as file:
        return read_stamp(file)


def ffprobe(path) -> str | None:
    if not shutil.which("ffprobe"):
        pytest.skip("ffprobe is not installed (Debian: apt install ffmpeg)")
    command = ["ffprobe", "-v", "error", "-show_entries", "format_tags:stream_tags", "-of", "json", str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    tags = {**found.get("format", {}).get("tags", {}), **found.get("streams", [{}])[0].get("tags", {})}
    return next((value for name, value in tags.items() if name.lower() == "time_reference"), None)


@pytest.mark.parametrize("number", UNSET)
def test_a_stamp_that_was_never_set_is_none(tmp_path, number):
    path = tmp_path / "song.wav"
    path.write_bytes(wave(chunk(b"bext", bext(number)), FMT, DATA))
    info = probe_audio(path)
    assert (info.time_reference, info.notes) == (None, ())


@pytest.mark.parametrize(
    ("number", "samples"),
    [
        (0, 0),
        (1, 1),
        (2**64 - 48_000, -48_000),
        (2**32 + 5, 2**32 + 5),
        (24 * 3600 * 192_000, 24 * 3600 * 192_000),
    ],
)
def test_positions_before_zero_and_far_behind_it(number, samples):
    assert stamp_of(number) == TimeStamp(samples)


@pytest.mark.parametrize("number", [1 << 50, 0x4141_4141_4141_4141, (1 << 64) - (1 << 50)])
def test_a_number_that_is_no_position(number):
    found = stamp_of(number)
    assert found.samples is None
    assert str(number) in found.note


@pytest.mark.parametrize("length", [0, 1, 338, 345])
def test_a_stamp_that_cannot_be_read_is_reported(tmp_path, length):
    path = tmp_path / "song.wav"
    path.write_bytes(wave(FMT, chunk(b"bext", bext(PLACE, length)), DATA))
    info = probe_audio(path)
    assert (info.time_reference, info.notes) == (None, (UNREADABLE,))


def id3(version: int, body: bytes) -> bytes:
    size = (
        len(body) if version == 3 else sum((len(body) >> 7 * index & 0x7F) << 8 * index for index in range(4))
    )
    frame = b"TXXX" + size.to_bytes(4, "big") + b"\0\0" + body
    length = len(frame)
    return (
        b"ID3"
        + bytes([version, 0, 0, length >> 21 & 127, length >> 14 & 127, length >> 7 & 127, length & 127])
        + frame
    )


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize(
    ("text", "samples"),
    [
        (b"\0time_reference\x00384000", PLACE),
        (b"\3TIME_REFERENCE\x00384000\0", PLACE),
        (b"\1" + "time_reference\0".encode("utf-16") + "384000".encode("utf-16"), PLACE),
        (b"\0other\x00384000", None),
        (b"\0time_reference\x00soon", None),
        (b"", None),
    ],
)
def test_id3_tags_in_every_encoding(tmp_path, version, text, samples):
    path = tmp_path / "song.wav"
    path.write_bytes(wave(FMT, DATA, chunk(b"id3 ", id3(version, text))))
    assert stamp_in(path).samples == samples


@pytest.mark.parametrize(
    "data",
    [b"", b"RIFF", b"fLaC", b"OggS", b"ID3", b"caff", b"FORM" + bytes(20), b"ID3\4\0\0\x7f\x7f\x7f\x7fTXXX"],
)
def test_broken_tags_are_none(tmp_path, data):
    path = tmp_path / "song"
    path.write_bytes(data)
    assert stamp_in(path) == TimeStamp()
    path.write_bytes(data + struct.pack(">I", 2**31) * 40)
    stamp_in(path)
