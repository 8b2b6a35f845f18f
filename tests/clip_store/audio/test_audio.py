import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_store.audio.audio import (
    Audio,
    Encoding,
    decode_samples,
    encode_samples,
    encoded_parts,
    quantise,
    widened,
)  # fmt: skip
from daw_protocol.requests import PROJECT_RATES
from daw_protocol.timeline.span import Span
from tests.clip_store.sounds import noise, song

INTEGERS = (Encoding.PCM_16, Encoding.PCM_24, Encoding.PCM_32)


def codes_of(data: bytes, encoding: Encoding) -> np.ndarray:
    """Signed integers from little-endian bytes, by Python's own arithmetic."""
    width = encoding.bits // 8
    return np.array(
        [int.from_bytes(data[at : at + width], "little", signed=True) for at in range(0, len(data), width)]
    )


@pytest.mark.parametrize("encoding", [Encoding.PCM_16, Encoding.PCM_24])
def test_every_code_survives_quantising(encoding):
    half = 1 << (encoding.bits - 1)
    for begin in range(-half, half, 1 << 20):
        codes = np.arange(begin, min(begin + (1 << 20), half))
        samples = (codes / half).astype(np.float32)[:, None]
        audio, clipped = quantise(samples, 48000, encoding)
        assert clipped == 0
        assert np.array_equal(audio.samples, samples)
        assert np.array_equal(np.rint(audio.samples[:, 0].astype(np.float64) * half), codes)


@given(st.lists(st.integers(-(1 << 31), (1 << 31) - 1), min_size=1, max_size=50))
def test_32_bit_codes_survive(codes):
    samples = np.array(codes)[:, None] / (1 << 31)
    audio, clipped = quantise(samples, 96000, Encoding.PCM_32)
    assert clipped == 0
    assert codes_of(b"".join(encoded_parts(audio)), Encoding.PCM_32).tolist() == codes


@pytest.mark.parametrize("encoding", INTEGERS)
def test_encoded_bytes_are_little_endian_codes(encoding):
    half = 1 << (encoding.bits - 1)
    codes = [0, 1, -1, 258, -258, half - 1, -half]
    samples = (np.array(codes) / half).astype(encoding.dtype)[:, None]
    assert codes_of(encode_samples(samples, encoding), encoding).tolist() == codes


def test_rounding_is_to_the_nearest_code_and_halves_to_even():
    samples = np.array([[0.4], [0.6], [0.5], [1.5], [2.5], [-0.5], [-1.5]]) / 32768
    audio, _ = quantise(samples, 48000, Encoding.PCM_16)
    assert (audio.samples[:, 0] * 32768).tolist() == [0, 1, 0, 2, 2, 0, -2]


def test_values_beyond_full_scale_are_clipped_and_counted():
    audio, clipped = quantise(np.array([[1.0], [1.5], [-1.0], [-1.1], [0.5]]), 48000, Encoding.PCM_16)
    assert clipped == 3
    assert (audio.samples[:, 0] * 32768).tolist() == [32767, 32767, -32768, -32768, 16384]


def test_floats_are_never_clipped():
    audio, clipped = quantise(np.array([[1.5, -7.0]]), 48000, Encoding.FLOAT)
    assert clipped == 0
    assert audio.samples.tolist() == [[1.5, -7.0]]


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_a_number_is_refused(encoding, value):
    with pytest.raises(ValueError, match="finite"):
        quantise(np.array([[0.0], [value]]), 48000, encoding)


def test_audio_checks_itself():
    good = np.zeros((10, 2), np.float32)
    with pytest.raises(TypeError, match="float32"):
        Audio(good.astype(np.float64), 48000, Encoding.PCM_16)
    with pytest.raises(TypeError, match="float64"):
        Audio(good, 48000, Encoding.DOUBLE)
    with pytest.raises(ValueError, match="shape"):
        Audio(np.zeros(10, np.float32), 48000, Encoding.FLOAT)
    with pytest.raises(ValueError, match="channels"):
        Audio(np.zeros((10, 3), np.float32), 48000, Encoding.FLOAT)
    for rate in (0, 3_999, 768_001):
        with pytest.raises(ValueError, match=f"got {rate}"):
            Audio(good, rate, Encoding.FLOAT)
    for stray in (0.3, 1.0, -1.1):
        with pytest.raises(ValueError, match="quantise"):
            Audio(np.full((10, 2), stray, np.float32), 48000, Encoding.PCM_16)


def test_samples_are_read_only():
    given_array = np.zeros((4, 1), np.float32)
    audio = Audio(given_array, 48000, Encoding.FLOAT)
    for array in (audio.samples, given_array, audio.cut(Span(1, 3)).samples):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_cut_is_half_open_and_stays_inside():
    whole = song(100)
    assert np.array_equal(whole.cut(Span(10, 20)).samples, whole.samples[10:20])
    assert whole.cut(Span(100, 100)).frames == 0
    for span in (Span(-1, 5), Span(50, 101)):
        with pytest.raises(ValueError, match="cannot cut"):
            whole.cut(span)


def test_the_digest_covers_everything():
    base = noise(64, 2)
    digests = {
        quantise(samples, rate, encoding).audio.digest
        for samples in (base, base[:, :1], base[:32], base * 0.5, base.reshape(-1, 1))
        for rate in PROJECT_RATES
        for encoding in Encoding
    }
    assert len(digests) == 5 * len(PROJECT_RATES) * len(Encoding)


def test_digest_is_the_same_in_every_process():
    program = "from tests.clip_store.sounds import song; print(song().digest)"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == song().digest


def test_digest_does_not_depend_on_memory_layout():
    audio = song(1000)
    fortran = np.asfortranarray(audio.samples)
    assert Audio(fortran, audio.rate, audio.encoding).digest == audio.digest
    assert Audio(audio.samples.astype(">f4").astype(np.float32), 48000, audio.encoding).digest == audio.digest


def test_parts_of_a_long_audio_join_to_the_whole():
    audio = song(300_001, encoding=Encoding.PCM_24)
    assert b"".join(encoded_parts(audio)) == encode_samples(audio.samples, audio.encoding)


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("channels", [1, 2])
def test_encoded_samples_are_decoded_to_the_very_samples(encoding, channels):
    audio = quantise(noise(1001, channels), 48000, encoding).audio
    extremes = np.array([[-1.0] * channels, [0.0] * channels], audio.samples.dtype)
    samples = np.concatenate((audio.samples, extremes))
    found = decode_samples(encode_samples(samples, encoding), channels, encoding)
    assert found.dtype == samples.dtype
    assert np.array_equal(found, samples)


def test_the_encoding_that_holds_two_writes_every_value_of_both():
    for one in Encoding:
        for other in Encoding:
            both = one.holding(other)
            assert both is other.holding(one)
            for narrow in (one, other):
                audio = song(300, 1, 48_000, narrow)
                assert np.array_equal(widened(audio, both).samples, audio.samples)
    assert Encoding.PCM_16.holding(Encoding.PCM_24) is Encoding.PCM_24
    assert Encoding.PCM_32.holding(Encoding.FLOAT) is Encoding.DOUBLE


def test_nothing_is_narrowed():
    with pytest.raises(ValueError, match="cannot write every value"):
        widened(song(300, 1, 48_000, Encoding.PCM_24), Encoding.PCM_16)
