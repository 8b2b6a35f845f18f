import os
import time

import numpy as np
import pytest
import soundfile

from clip_store.audio.audio import Encoding, encode_samples
from clip_store.audio.audio_file import AudioInfo, probe_audio, read_audio, write_wav
from clip_store.audio.broadcast_wav import Bext
from clip_store.errors import AudioFileError, StoreError
from daw_protocol.requests import PROJECT_RATES
from tests.clip_store.sounds import noise, song
from tests.fuzz.targets import CORPUS

LONG = 3600.0

READABLE = [
    # format, subtype, encoding in memory, exact
    ("WAV", "PCM_U8", Encoding.PCM_16, True),
    ("WAV", "PCM_16", Encoding.PCM_16, True),
    ("WAV", "PCM_24", Encoding.PCM_24, True),
    ("WAV", "PCM_32", Encoding.PCM_32, True),
    ("WAV", "FLOAT", Encoding.FLOAT, True),
    ("WAV", "DOUBLE", Encoding.DOUBLE, True),
    ("WAV", "ULAW", Encoding.PCM_16, True),
    ("WAVEX", "PCM_24", Encoding.PCM_24, True),
    ("RF64", "PCM_24", Encoding.PCM_24, True),
    ("W64", "PCM_16", Encoding.PCM_16, True),
    ("AIFF", "PCM_24", Encoding.PCM_24, True),
    ("AIFF", "FLOAT", Encoding.FLOAT, True),
    ("CAF", "PCM_16", Encoding.PCM_16, True),
    ("FLAC", "PCM_16", Encoding.PCM_16, True),
    ("FLAC", "PCM_24", Encoding.PCM_24, True),
    ("OGG", "VORBIS", Encoding.FLOAT, False),
    ("MP3", "MPEG_LAYER_III", Encoding.FLOAT, False),
]


@pytest.mark.parametrize(("form", "subtype", "encoding", "exact"), READABLE)
def test_every_format_is_read_into_the_nearest_encoding(tmp_path, form, subtype, encoding, exact):
    path = tmp_path / f"song.{form.lower()}"
    soundfile.write(path, noise(6000), 44100, format=form, subtype=subtype)
    audio = read_audio(path, LONG)
    info = probe_audio(path)
    assert (info.frames, info.counted) == (audio.frames, form != "MP3")
    assert (audio.rate, audio.channels, audio.encoding) == (44100, 2, encoding)
    read = soundfile.read(path, dtype="float64", always_2d=True)[0]
    if exact:
        assert np.array_equal(audio.samples.astype(np.float64), read)
    else:
        assert audio.frames >= 6000
        assert np.abs(audio.samples).max() > 0.05


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", PROJECT_RATES)
def test_what_we_write_we_and_others_read_exactly(tmp_path, encoding, channels, rate):
    audio = song(777, channels, rate, encoding)
    path = tmp_path / "song.wav"
    write_wav(path, audio)
    assert read_audio(path, LONG).digest == audio.digest
    info = soundfile.info(path)
    assert (info.frames, info.samplerate, info.channels) == (777, rate, channels)
    assert (info.format, info.subtype) == ("WAV", encoding.value)
    read = soundfile.read(path, dtype=encoding.dtype.name, always_2d=True)[0]
    assert np.array_equal(read, audio.samples)
    assert (
        path.read_bytes().rstrip(b"\0").endswith(encode_samples(audio.samples, encoding).rstrip(b"\0"))
    )  # rstrip: a chunk of odd length is filled up with a zero


def test_same_audio_gives_the_same_bytes_a_second_later(tmp_path):
    audio, bext = song(encoding=Encoding.FLOAT), Bext("a take", time_reference=5)
    write_wav(tmp_path / "one.wav", audio, bext, {"seed": 1}, "note")
    soundfile.write(tmp_path / "libsndfile one.wav", audio.samples, 48000, subtype="FLOAT")
    time.sleep(1.1)
    write_wav(tmp_path / "two.wav", audio, bext, {"seed": 1}, "note")
    soundfile.write(tmp_path / "libsndfile two.wav", audio.samples, 48000, subtype="FLOAT")
    assert (tmp_path / "one.wav").read_bytes() == (tmp_path / "two.wav").read_bytes()
    # The reason for all this: libsndfile's files differ, and yet have one digest.
    first, second = tmp_path / "libsndfile one.wav", tmp_path / "libsndfile two.wav"
    assert first.read_bytes() != second.read_bytes()
    assert read_audio(first, LONG).digest == read_audio(second, LONG).digest == audio.digest


def test_a_probe_says_what_reading_gives(tmp_path):
    path = tmp_path / "song.wav"
    write_wav(path, song(1234, 1, 96000, Encoding.PCM_24), Bext(time_reference=5_000_000_123))
    assert probe_audio(path) == AudioInfo(1234, 96000, 1, Encoding.PCM_24, 5_000_000_123)
    write_wav(path, song(1234, 1, 96000, Encoding.PCM_24))
    assert probe_audio(path).time_reference is None


def test_a_file_that_is_still_being_recorded_is_read_as_far_as_it_goes(tmp_path):
    """Programs that cannot go back to the header (ffmpeg to a pipe) leave a data size of 0xFFFFFFFF."""
    path = tmp_path / "streamed.wav"
    audio = song(1000, encoding=Encoding.PCM_16)
    write_wav(path, audio)
    data = bytearray(path.read_bytes())
    at = data.index(b"data")
    data[at + 4 : at + 8] = b"\xff" * 4
    path.write_bytes(data)
    assert read_audio(path, LONG).digest == audio.digest


def test_chunks_after_the_sound_do_not_matter(tmp_path):
    path = tmp_path / "song.wav"
    audio = song(1001, 1, encoding=Encoding.PCM_24)
    write_wav(path, audio)
    path.write_bytes(path.read_bytes() + b"LIST\x04\x00\x00\x00INFO" + b"trailing rubbish")
    assert read_audio(path, LONG).digest == audio.digest


def refused(path, max_seconds=LONG) -> AudioFileError:
    with pytest.raises(AudioFileError) as caught:
        read_audio(path, max_seconds)
    assert path.name in caught.value.sentence
    assert caught.value.remedy
    return caught.value


def test_missing(tmp_path):
    assert "There is no file" in refused(tmp_path / "gone.wav").sentence


def test_a_folder(tmp_path):
    (tmp_path / "takes").mkdir()
    assert "folder" in refused(tmp_path / "takes").sentence


def test_empty(tmp_path):
    (tmp_path / "song.wav").touch()
    assert "empty" in refused(tmp_path / "song.wav").sentence


def test_no_samples(tmp_path):
    soundfile.write(tmp_path / "song.wav", np.zeros((0, 2)), 48000)
    assert "no sound" in refused(tmp_path / "song.wav").sentence


@pytest.mark.parametrize(
    "content",
    [b"hello world" * 100, b"RIFF", b"RIFF\x24\x00\x00\x00WAVEfmt ", b"\0" * 5000, b"\x89PNG\r\n\x1a\n" * 20],
)
def test_not_audio(tmp_path, content):
    (tmp_path / "song.wav").write_bytes(content)
    error = refused(tmp_path / "song.wav")
    assert "not a sound file" in error.sentence
    assert "WAV" in error.remedy


@pytest.mark.parametrize(("form", "subtype", "encoding", "exact"), READABLE)
@pytest.mark.parametrize("share", [0.5, 0.98])
def test_cut_off(tmp_path, form, subtype, encoding, exact, share):
    path = tmp_path / f"song.{form.lower()}"
    soundfile.write(path, noise(44100), 44100, format=form, subtype=subtype)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    sentence = refused(path).sentence
    # A CAF's chunks are refused as malformed before anything can be said about lengths.
    assert "cut off" in sentence or (form == "CAF" and "malformed" in sentence)


def test_every_shorter_piece_of_a_file_is_refused(tmp_path):
    path = tmp_path / "song.wav"
    write_wav(path, song(40, 1, encoding=Encoding.PCM_16))
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        refused(path)


@pytest.mark.parametrize("rate", [8_000, 22_050, 24_000, 32_000, 37_800, 176_400, 352_800, 768_000])
def test_every_rate_is_read(tmp_path, rate):
    soundfile.write(tmp_path / "song.wav", noise(100), rate)
    assert (read_audio(tmp_path / "song.wav", LONG).rate, probe_audio(tmp_path / "song.wav").rate) == (
        rate,
        rate,
    )


@pytest.mark.parametrize("rate", [1, 3_999, 768_001, 2_000_000_000])
def test_a_rate_that_is_none_names_those_that_are(tmp_path, rate):
    soundfile.write(tmp_path / "song.wav", noise(100), rate)
    sentence = refused(tmp_path / "song.wav").sentence
    assert f"a rate of {rate} Hz" in sentence
    assert "4000 to 768000" in sentence


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("value", [1e5, -1e20, 3e38, 1e300])
def test_values_far_beyond_full_scale(tmp_path, subtype, value):
    if subtype == "FLOAT" and abs(value) > 3.4e38:
        pytest.skip("no float")
    samples = noise(300_000)
    samples[270_001, 1] = value  # behind the first block that is looked at
    soundfile.write(tmp_path / "song.wav", samples, 48000, subtype=subtype)
    error = refused(tmp_path / "song.wav")
    assert "far beyond full scale" in error.sentence
    assert error.sentence.endswith("the first at sample 270001.")
    assert "plug-in" in error.remedy


@pytest.mark.parametrize("value", [1.5, 100.0, 9_999.0])
def test_a_loud_float_is_a_sample(tmp_path, value):
    samples = noise(100)
    samples[37, 1] = value
    soundfile.write(tmp_path / "song.wav", samples, 48000, subtype="DOUBLE")
    assert read_audio(tmp_path / "song.wav", LONG).samples[37, 1] == value


def test_too_many_channels(tmp_path):
    soundfile.write(tmp_path / "song.wav", noise(100, 6), 48000)
    assert "6 channels" in refused(tmp_path / "song.wav").sentence


def test_too_long(tmp_path):
    soundfile.write(tmp_path / "song.wav", noise(48001), 48000)
    assert "at most 1 s" in refused(tmp_path / "song.wav", 1.0).sentence
    assert read_audio(tmp_path / "song.wav", 48001 / 48000).frames == 48001


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_numbers(tmp_path, value):
    samples = noise(100).astype(np.float32)
    samples[37, 1] = value
    soundfile.write(tmp_path / "song.wav", samples, 48000, subtype="FLOAT")
    assert "sample 37" in refused(tmp_path / "song.wav").sentence


def test_errors_about_names_that_are_no_text_can_be_sent(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.wav")
    with pytest.raises(AudioFileError) as caught:
        read_audio(path, LONG)
    assert "caf?.wav" in caught.value.sentence
    assert str(caught.value).encode("utf-8")


def test_names_in_any_script(tmp_path):
    path = tmp_path / "Größe 🎵 曲.wav"
    audio = song()
    write_wav(path, audio)
    assert read_audio(path, LONG).digest == audio.digest


def test_more_than_4_gib_is_refused_before_anything_is_written(tmp_path):
    huge = song(8, 2, 48000, Encoding.DOUBLE)
    # A view of eight frames repeated without memory: only its length matters here.
    stretched = np.lib.stride_tricks.as_strided(huge.samples, (1 << 28, 2), (0, 8))
    object.__setattr__(huge, "samples", stretched)
    with pytest.raises(StoreError, match="4 GiB"):
        write_wav(tmp_path / "song.wav", huge)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_whose_decoder_leaves_its_bits_is_refused(tmp_path):
    """An ALAC file with a few wrong bytes, found by fuzzing: libsndfile decodes values between those of 16 bits."""
    path = tmp_path / "song.caf"
    path.write_bytes((CORPUS / "apple_audio" / "alac-beyond-its-bits").read_bytes())
    with pytest.raises(AudioFileError, match=r"song\.caf is damaged"):
        read_audio(path, 600)
