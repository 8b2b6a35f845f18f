"""MP3s without a header that counts their frames, or with a wrong one; ffmpeg is the independent reader."""

import io
import struct

import numpy as np
import pytest

from clip_store.audio import mpeg
from clip_store.audio.audio_file import probe_audio, read_audio
from clip_store.audio.layout import OTHER_FORM
from clip_store.errors import AudioFileError
from tests.clip_store.audio import odd_files as odd

SOURCE = odd.wave(
    odd.chunk(b"fmt ", odd.fmt()),
    # Silence, then noise: a variable rate whose first frame says nothing about the rest.
    odd.chunk(b"data", bytes(len(odd.SOUND)) + odd.SOUND * 4),
)


def mp3(*options: str) -> bytes:
    return odd.ffmpeg("-i", "-", "-c:a", "libmp3lame", *options, "-", data=SOURCE)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("options", ["-b:a 64k", "-q:a 2", "-b:a 64k -ac 1", "-q:a 9 -ac 1"])
def test_without_a_header_all_of_it_is_read_as_others_read_it(tmp_path, rate, options):
    path = tmp_path / "song.mp3"
    path.write_bytes(mp3("-ar", str(rate), *options.split(), "-write_xing", "0", "-f", "mp3"))
    audio = read_audio(path, 60)
    theirs = odd.ffmpeg_samples(path, audio.channels)
    assert audio.samples.shape == theirs.shape
    if rate == 24_000:  # where the two decoders differ in one frame, with or without our header
        assert np.corrcoef(audio.samples.ravel(), theirs.ravel())[0, 1] > 0.9
    else:
        assert np.abs(audio.samples - theirs).max() < 1e-4


@pytest.mark.parametrize("options", ["-b:a 128k", "-q:a 2"])
def test_in_a_wav_file(tmp_path, options):
    path = tmp_path / "song.wav"
    path.write_bytes(mp3(*options.split(), "-f", "wav"))
    audio = read_audio(path, 60)
    assert np.abs(audio.samples - odd.ffmpeg_samples(path)[: audio.frames]).max() < 1e-4
    assert abs(audio.frames - 5 * odd.FRAMES) < 3 * 1152
    assert not probe_audio(path).counted


def stating(frames: int) -> bytes:
    data = odd.encoded("MP3", "MPEG_LAYER_III", samples=np.concatenate([odd.codes()] * 5))
    at = max(data.find(b"Xing"), data.find(b"Info"))
    return data[: at + 8] + struct.pack(">I", frames) + data[at + 12 :]


@pytest.mark.parametrize("frames", [0, 1, 20])
def test_a_header_that_counts_too_few(tmp_path, frames):
    path = tmp_path / "song.mp3"
    path.write_bytes(stating(frames))
    assert read_audio(path, 60).frames == 5 * odd.FRAMES


def test_a_header_that_counts_more_than_there_are(tmp_path):
    path = tmp_path / "song.mp3"
    path.write_bytes(stating(200))
    with pytest.raises(AudioFileError, match="cut off"):
        probe_audio(path)


def test_tags_before_and_behind_and_damage_between(tmp_path):
    data = mp3("-b:a", "64k", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3")
    plain = mpeg.read_stream(io.BytesIO(data), 0, len(data))
    tagged = b"ID3\4\0\0\0\0\2\0" + b"\xff\xfb" * 128 + data + b"TAG" + bytes(125)
    found = mpeg.read_stream(io.BytesIO(tagged), 0, len(tagged))
    assert plain is not None
    assert found is not None
    assert found.frames == plain.frames
    length = len(data) // plain.frames
    damaged = data[: 10 * length] + b"\0" * 77 + data[10 * length :]
    found = mpeg.read_stream(io.BytesIO(damaged), 0, len(damaged))
    assert found is not None
    assert plain.frames - 2 <= found.frames <= plain.frames


@pytest.mark.parametrize("header", ["0", "1"])
@pytest.mark.parametrize("other", ["-ar 44100", "-ac 1", "-ar 22050 -ac 1"])
def test_a_stream_of_another_form_behind_is_left_out_with_words(tmp_path, header, other):
    plain = ("-write_xing", header, "-id3v2_version", "0", "-f", "mp3")
    alone = mp3(*plain)
    path = tmp_path / "song.mp3"
    path.write_bytes(alone)
    frames = probe_audio(path).frames
    path.write_bytes(alone + mp3(*other.split(), *plain))
    info = probe_audio(path)
    assert (info.frames, info.rate, info.notes) == (frames, odd.RATE, (OTHER_FORM,))
    assert read_audio(path, 60).frames == frames


@pytest.mark.parametrize(
    "data", [b"", b"\xff" * 5000, bytes(5000), b"\xff\xfb\x90\x00" + bytes(5000), odd.SOUND]
)
def test_what_is_no_stream(data):
    assert not mpeg.is_mpeg(io.BytesIO(data))
    assert mpeg.read_stream(io.BytesIO(data), 0, len(data)) is None


def test_a_long_stream_is_counted_in_pieces():
    class Song(io.BytesIO):
        most = 0

        def read(self, size=-1):
            found = super().read(size)
            self.most = max(self.most, len(found))
            return found

    frame = mp3("-b:a", "128k", "-write_xing", "0", "-f", "mp3")
    song = Song(frame * (4_000_000 // len(frame)))
    found = mpeg.read_stream(song, 0, len(song.getvalue()))
    assert found is not None
    assert found.frames > 5000
    assert song.most < 1 << 19
