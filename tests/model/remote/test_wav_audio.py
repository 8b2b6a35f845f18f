import io

import numpy as np
import pytest
import soundfile

from model.remote import wav_audio
from model.remote.wav_audio import decode_audio, encode_wav


def test_floats_come_back_as_they_were_also_above_full_scale():
    samples = (3 * np.random.default_rng(1).standard_normal((1001, 2))).astype(np.float32)
    found, rate = decode_audio(encode_wav(samples, 48_000))
    assert rate == 48_000
    assert np.array_equal(found, samples)


@pytest.mark.parametrize("data", [b"", b"<html></html>", b"RIFF\x00\x00\x00\x00WAVE", bytes(1000)])
def test_what_is_no_audio(data):
    with pytest.raises(ValueError, match="no audio"):
        decode_audio(data)


def test_a_small_file_with_endless_silence_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(wav_audio, "MOST_SAMPLES", 1_000_000)
    file = io.BytesIO()
    soundfile.write(file, np.zeros((600_000, 2), np.int16), 48_000, format="FLAC")
    assert len(file.getvalue()) < 10_000
    with pytest.raises(ValueError, match="more audio"):
        decode_audio(file.getvalue())
