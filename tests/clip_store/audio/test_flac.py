import io

import numpy as np
import pytest
import soundfile

from clip_store.audio import flac
from clip_store.audio.audio_file import probe_audio, read_audio
from clip_store.audio.layout import NEVER_FINISHED
from clip_store.errors import AudioFileError
from tests.clip_store.audio import odd_files as odd


@pytest.mark.parametrize("frames", [1, 15, 4095, 4096, 4097, 9600, 100_000])
@pytest.mark.parametrize("stated", [0, 1, None])
def test_the_last_frame_tells_how_many_samples_there_are(frames, stated):
    data = odd.encoded("FLAC", "PCM_16", samples=odd.codes(frames))
    if stated is not None:
        packed = int.from_bytes(data[18:26], "big") >> 36 << 36 | stated
        data = data[:18] + packed.to_bytes(8, "big") + data[26:]
    found = flac.read_stream(io.BytesIO(data))
    assert found.frames == frames
    assert found.stated == (frames if stated is None else stated)


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_depth(subtype, channels):
    data = odd.encoded(
        "FLAC", subtype, samples=np.random.default_rng(1).uniform(-0.9, 0.9, (30_000, channels))
    )
    assert flac.read_stream(io.BytesIO(data)).frames == 30_000


@pytest.mark.parametrize("cut", [1, 2, 100, 5000])
def test_a_frame_that_is_cut_off_does_not_count(cut):
    data = odd.flac_stating(0)[:-cut]
    assert flac.read_stream(io.BytesIO(data)).frames in (4096, 8192)


def test_variable_blocks_and_other_encoders():
    data = odd.ffmpeg(
        "-i", "-", "-f", "flac", "-frame_size", "1000", "-", data=odd.wave_with_size(len(odd.SOUND))
    )
    found = flac.read_stream(io.BytesIO(data))
    assert (found.stated, found.frames) == (0, odd.FRAMES)


def test_the_true_number_is_written_into_the_header_and_nothing_else():
    data = odd.flac_stating(0)
    found = flac.read_stream(io.BytesIO(data))
    patched = found.with_frames(odd.FRAMES) + data[found.body :]
    assert patched == odd.flac_stating(odd.FRAMES)
    assert soundfile.info(io.BytesIO(patched)).frames == odd.FRAMES


def test_silence_has_frames_too():
    data = odd.encoded("FLAC", "PCM_16", samples=np.zeros((20_000, 2), "<i2"))
    assert flac.read_stream(io.BytesIO(data)).frames == 20_000


@pytest.mark.parametrize("data", [b"fLaC", b"fLaC\x84\0\0\0", b"fLaC\0\0\0\x22abc", b"RIFF" + bytes(40)])
def test_what_is_no_stream(data):
    with pytest.raises(ValueError, match="description"):
        flac.read_stream(io.BytesIO(data))


def test_behind_an_id3_tag():
    tag = b"ID3\4\0\0\0\0\1\0" + bytes(128)
    assert flac.start_of(io.BytesIO(tag + odd.flac_stating(5))) == len(tag)
    assert flac.start_of(io.BytesIO(tag)) is None
    assert flac.id3_bytes(io.BytesIO(b"ID3\4\0\x10\0\0\1\0")) == 148  # with a footer


@pytest.mark.parametrize("parts", [("whole", "whole"), ("whole", "short", "whole"), ("tagged", "unknown")])
def test_streams_one_behind_the_other(tmp_path, parts):
    short = odd.encoded("FLAC", "PCM_16", samples=odd.codes(500))
    whole = odd.encoded("FLAC", "PCM_16")
    kinds = {
        "whole": (whole, odd.codes()),
        "short": (short, odd.codes(500)),
        "tagged": (b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + whole, odd.codes()),
        "unknown": (odd.flac_stating(0), odd.codes()),
    }
    path = tmp_path / "song.flac"
    path.write_bytes(b"".join(kinds[part][0] for part in parts))
    assert np.array_equal(
        read_audio(path, 60).samples * 32768, np.concatenate([kinds[part][1] for part in parts])
    )
    assert f"holds {len(parts)} streams" in probe_audio(path).notes[0]
    assert (NEVER_FINISHED in probe_audio(path).notes) == ("unknown" in parts)


def test_a_stream_of_another_rate_is_left_out_with_words(tmp_path):
    path = tmp_path / "song.flac"
    path.write_bytes(odd.encoded("FLAC", "PCM_16") + odd.encoded("FLAC", "PCM_16", 44_100))
    info = probe_audio(path)
    assert info.frames == odd.FRAMES
    assert "goes on with sound of another form (44100 Hz, stereo)" in info.notes[0]


def test_a_second_stream_that_is_cut_off(tmp_path):
    path = tmp_path / "song.flac"
    path.write_bytes(odd.encoded("FLAC", "PCM_16") + odd.encoded("FLAC", "PCM_16")[:-5000])
    with pytest.raises(AudioFileError, match="cut off"):
        read_audio(path, 60)


def test_starts_across_the_blocks_that_are_searched(monkeypatch):
    data = odd.encoded("FLAC", "PCM_16")
    for block in range(1, 40):
        monkeypatch.setattr(flac, "_SEARCHED", block)
        assert flac.starts(io.BytesIO(data[:60] + data[:60])) == [0, 60]
