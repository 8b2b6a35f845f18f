import numpy as np
import pytest

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
