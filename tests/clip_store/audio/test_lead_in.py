"""A sound behind other bytes is the same sound; what has none behind them is refused in words."""

import io

import numpy as np
import pytest

from clip_store.audio.audio_file import probe_audio, read_audio
from clip_store.audio.lead_in import tags_end
from clip_store.errors import AudioFileError
from tests.clip_store.audio import odd_files as odd

MP3 = odd.encoded("MP3", "MPEG_LAYER_III")
SOUNDS = {
    "mp3": MP3,
    "ogg": odd.encoded("OGG", "VORBIS"),
    "flac": odd.encoded("FLAC", "PCM_16"),
    "wav": odd.encoded("WAV", "PCM_16"),
    "aiff": odd.encoded("AIFF", "PCM_24"),
    "caf": odd.encoded("CAF", "PCM_16"),
}


def id3(footer: bool = False, text: bytes = b"title") -> bytes:
    """An ID3v2.4 tag; a footer repeats its header behind it."""
    body = b"TIT2" + bytes([0, 0, 0, len(text) + 1, 0, 0, 3]) + text
    head = b"\4\0" + (b"\x10" if footer else b"\0") + bytes([0, 0, len(body) >> 7, len(body) & 127])
    return b"ID3" + head + body + (b"3DI" + head if footer else b"")


JUNK = {
    "a few letters": b"abc",
    "a server's answer": b"HTTP/1.1 200 OK\r\nContent-Type: audio/x\r\n\r\n",
    "zeros": bytes(9000),
    "what looks like frames": b"\xff\xfb\x90\0\xff\xf3" * 40,
    "a tag, then letters": id3(footer=True) + b"junk" * 99,
}
TAGS = {
    "a tag with a footer": id3(footer=True),
    "two tags": id3() + id3(),
    "two tags with footers": id3(footer=True) * 2,
}


def read(path, data):
    path.write_bytes(data)
    return read_audio(path, 60), probe_audio(path, 60)


@pytest.mark.parametrize("front", JUNK | TAGS)
@pytest.mark.parametrize("kind", SOUNDS)
def test_the_same_sound_as_without_it(tmp_path, kind, front):
    plain, _ = read(tmp_path / f"plain.{kind}", SOUNDS[kind])
    data = (JUNK | TAGS)[front]
    found, info = read(tmp_path / f"song.{kind}", data + SOUNDS[kind])
    assert info.frames == plain.frames
    assert np.array_equal(found.samples, plain.samples)
    count = len(data.removeprefix(id3(footer=True)))
    skipped = f"The file has {count} bytes in front of its sound that are no sound; they were skipped."
    # MP3 decoders look past what resembles frames themselves.
    silent = front in TAGS or (kind, front) == ("mp3", "what looks like frames")
    assert (skipped in info.notes) != silent


@pytest.mark.parametrize("stamp", [0, 480_000])
def test_a_time_stamp_behind_it_counts(tmp_path, stamp):
    bext = odd.chunk(b"bext", bytes(338) + stamp.to_bytes(8, "little") + bytes(256))
    data = odd.wave(bext, odd.chunk(b"fmt ", odd.fmt()), odd.chunk(b"data", odd.SOUND))
    _, info = read(tmp_path / "song.wav", b"abc" + data)
    assert (info.time_reference or 0) == stamp


@pytest.mark.parametrize(
    "data",
    [
        b"abc" * 5000,
        id3() + bytes(5000),
        b"abc" + MP3[:300],
        b"PK\3\4" + SOUNDS["wav"],
        b"abc" + b"OggS" * 90,
    ],
)
def test_no_sound_is_found_where_there_is_none(tmp_path, data):
    with pytest.raises(AudioFileError, match="is not a sound file that can be read"):
        read(tmp_path / "song.mp3", data)


def test_a_sound_far_behind_is_not_searched_for(tmp_path):
    with pytest.raises(AudioFileError, match="no known format"):
        read(tmp_path / "song.ogg", bytes(1 << 19) + SOUNDS["ogg"])


def test_tags_are_counted_with_their_footers():
    tags = id3() + id3(footer=True)
    file = io.BytesIO(tags + SOUNDS["wav"])
    assert tags_end(file) == len(tags)
    assert tags_end(io.BytesIO(SOUNDS["wav"])) == 0
