import itertools

import numpy as np
import pytest

from daw_protocol.requests import PROJECT_RATES
from model.dsp import resample as module
from model.dsp.resample import pieces, resample, resample_pieces
from tests.clip_store.sounds import noise, tone

PAIRS = list(itertools.permutations(PROJECT_RATES, 2))


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_an_impulse_stays_at_its_time(source, target):
    impulse = np.zeros((source, 1))
    at = source // 3
    impulse[at] = 1.0
    converted = resample(impulse, source, target, target)
    assert abs(int(np.abs(converted).argmax()) - at * target / source) <= 1


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_sine_stays_in_phase(source, target):
    """Against the same sine made at the target rate: no delay, no gain, to -100 dB away from the ends."""
    converted = resample(tone(source, source, 997.0), source, target, target)
    expected = tone(target, target, 997.0)
    middle = slice(target // 10, -target // 10)
    assert np.abs(converted[middle] - expected[middle]).max() < 1e-5


@pytest.mark.parametrize(("source", "target"), PAIRS)
@pytest.mark.parametrize("frames", [1, 2, 1000, 47999, 48000, 48001])
def test_the_length_is_exact(source, target, frames):
    enough = -(-frames * source // target)
    assert resample(noise(enough), source, target, frames).shape == (frames, 2)
    assert resample(noise(enough - 1), source, target, frames).shape == (frames, 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_rates_pass_unchanged(dtype):
    samples = noise(1000).astype(dtype)
    assert np.array_equal(resample(samples, 48000, 48000, 990), samples[:990])
    converted = resample(samples, 48000, 44100, 900)
    assert converted.dtype == dtype


@pytest.mark.parametrize("rates", [(48000, 44100), (44100, 48000), (48000, 48000)])
def test_too_short_a_render_is_refused_with_both_numbers(rates):
    source, target = rates
    with pytest.raises(ValueError, match=f"1000 samples at {source} Hz are too short for"):
        resample(noise(1000), source, target, 1002 * target // source + 1)


def test_there_and_back_again():
    samples = noise(48000)
    from scipy.signal import butter, sosfiltfilt

    low = sosfiltfilt(butter(8, 15000, fs=48000, output="sos"), samples, axis=0)
    up = resample(low, 48000, 96000, 96000)
    back = resample(up, 96000, 48000, 48000)
    assert np.abs(back - low)[1000:-1000].max() < 1e-6


@pytest.mark.parametrize(
    ("source", "target"), [(44100, 48000), (48000, 22050), (96000, 48000), (48000, 48000)]
)
@pytest.mark.parametrize("sizes", [[5000], [1, 1700, 3299], [0, 5000]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_piece_by_piece_gives_the_same_bits(source, target, sizes, dtype):
    samples = noise(5000).astype(dtype)
    cuts = np.cumsum([0, *sizes])
    parts = [samples[a:b] for a, b in itertools.pairwise(cuts)]
    joined = np.concatenate(list(resample_pieces(parts, source, target)))
    assert joined.dtype == dtype
    assert np.array_equal(joined, resample(samples, source, target))


def test_it_equals_soxr_on_the_whole_and_asks_between_pieces(monkeypatch):
    """To the bit, whatever the length of the pieces: what may be cancelled loses nothing."""
    import soxr

    samples, asked = noise(5000), []
    monkeypatch.setattr(module, "_PIECE_FRAMES", 600)
    converted = resample(samples, 44100, 48000, check=lambda: asked.append(None))
    assert np.array_equal(converted, soxr.resample(samples, 44100, 48000, quality="VHQ"))
    assert len(asked) == 9


def test_mono_and_nothing():
    samples = noise(5000)
    assert np.array_equal(resample(samples[:, 0], 48000, 44100), resample(samples[:, :1], 48000, 44100)[:, 0])
    assert resample(samples[:0], 48000, 44100).shape == (0, 2)
    assert list(resample_pieces([], 48000, 44100)) == []


def test_pieces_are_views_and_cover_everything():
    samples = noise(10)
    cut = list(pieces(samples, 4))
    assert [len(piece) for piece in cut] == [4, 4, 2]
    assert np.array_equal(np.concatenate(cut), samples)
    assert all(np.shares_memory(piece, samples) for piece in cut)
