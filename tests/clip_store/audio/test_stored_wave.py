"""Blobs read in stretches."""

import numpy as np
import pytest

from clip_store.audio.audio import Encoding, decode_samples
from clip_store.audio.audio_file import write_wav
from clip_store.audio.broadcast_wav import Bext
from clip_store.audio.stored_wave import StoredWave
from clip_store.errors import AudioFileError
from tests.clip_store.sounds import song


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("channels", [1, 2])
def test_stretches_are_the_very_samples(tmp_path, encoding, channels):
    audio = song(5001, channels, encoding=encoding)
    write_wav(tmp_path / "a.wav", audio, Bext(description="where it lies does not matter"))
    wave = StoredWave.open(tmp_path / "a.wav")
    assert (wave.form.frames, wave.form.rate, wave.form.channels) == (5001, 48000, channels)
    assert wave.digest() == audio.digest
    for first, end in ((0, 5001), (0, 0), (1, 2), (4000, 5001)):
        found = decode_samples(wave.read(first, end), channels, encoding)
        assert np.array_equal(found, audio.samples[first:end])
        assert found.dtype == audio.samples.dtype


def test_other_sound_has_another_digest(tmp_path):
    write_wav(tmp_path / "a.wav", song())
    data = bytearray((tmp_path / "a.wav").read_bytes())
    data[-1] ^= 1
    (tmp_path / "b.wav").write_bytes(data)
    assert StoredWave.open(tmp_path / "b.wav").digest() != song().digest


def test_what_is_no_wav_file_is_refused(tmp_path):
    path = tmp_path / "a.wav"
    write_wav(path, song())
    for data in (b"", b"words", path.read_bytes()[:-100]):
        (tmp_path / "b.wav").write_bytes(data)
        with pytest.raises(AudioFileError):
            StoredWave.open(tmp_path / "b.wav")
    with pytest.raises(AudioFileError):
        StoredWave.open(tmp_path / "none.wav")
