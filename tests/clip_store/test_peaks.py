"""Peak pyramids, read by a reader of the test's own."""

import struct

import numpy as np
import pytest

from clip_store.audio.audio import Encoding, quantise
from clip_store.blobs import BlobStore
from clip_store.errors import StoreError
from clip_store.peaks import FEWEST, FINEST, STEP, PeakFiles, encode
from tests.clip_store.sounds import noise, song


def read(data):
    """(rate, channels, frames, {frames per peak: int16 [peaks, channels, 3]})"""
    magic, version, rate, channels, frames, count = struct.unpack_from("<4sIIIQI", data)
    assert (magic, version) == (b"ACEP", 2)
    table = [struct.unpack_from("<II", data, 28 + 8 * number) for number in range(count)]
    at, found = 28 + 8 * count, {}
    for size, peaks in table:
        found[size] = np.frombuffer(data, "<i2", peaks * channels * 3, at).reshape(peaks, channels, 3)
        at += peaks * channels * 6
    assert at == len(data)
    return rate, channels, frames, found


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("frames", [1, 255, 256, 257, 300_001])
def test_every_peak_is_the_extremes_of_its_frames(frames, channels):
    audio = song(frames, channels, encoding=Encoding.FLOAT, level=0.9)
    rate, found_channels, found_frames, levels = read(encode(audio))
    assert (rate, found_channels, found_frames) == (48000, channels, frames)
    for size, peaks in levels.items():
        assert len(peaks) == -(-frames // size)
        for number in {0, len(peaks) // 2, len(peaks) - 1}:
            part = audio.samples[number * size : (number + 1) * size].astype(np.float64) * 32767
            assert np.array_equal(peaks[number, :, 0], np.floor(part.min(axis=0)))
            assert np.array_equal(peaks[number, :, 1], np.ceil(part.max(axis=0)))
            assert np.abs(peaks[number, :, 2] - np.sqrt(np.mean(part**2, axis=0))).max() < 0.6


def test_the_levels_go_from_the_finest_to_one_that_fits_a_screen():
    _, _, _, levels = read(encode(song(FINEST * FEWEST * STEP * STEP + 1, 1)))
    assert list(levels) == [FINEST, FINEST * STEP, FINEST * STEP**2, FINEST * STEP**3]
    assert [len(peaks) <= FEWEST for peaks in levels.values()] == [False, False, False, True]


def test_a_single_click_is_seen_at_every_level():
    samples = np.zeros((FINEST * FEWEST * STEP, 1), np.float32)
    samples[77_777] = -0.5
    _, _, _, levels = read(encode(quantise(samples, 48000, Encoding.FLOAT).audio))
    for size, peaks in levels.items():
        assert peaks[77_777 // size, 0].tolist() == [-16384, 0, round(0.5 / np.sqrt(size) * 32767)]
        assert np.count_nonzero(peaks[:, :, :2]) == 1


def test_what_is_beyond_full_scale_is_drawn_at_full_scale():
    _, _, _, levels = read(encode(quantise(noise(999, 1, level=5.0), 48000, Encoding.FLOAT).audio))
    assert levels[FINEST].min() == -32767
    assert levels[FINEST].max() == 32767


def test_a_pyramid_is_computed_once_and_goes_with_its_audio(tmp_path):
    blobs = BlobStore(tmp_path / "blobs")
    files = PeakFiles(tmp_path / "peaks", blobs)
    audio = song(5000)
    digest = blobs.put(audio)
    assert files.get(digest) == encode(audio)
    [kept] = (tmp_path / "peaks").glob("??/*")
    kept.write_bytes(b"ACEP\2\0\0\0, kept")
    assert files.get(digest) == b"ACEP\2\0\0\0, kept"
    kept.write_bytes(b"ACEP\1\0\0\0, of an earlier version")
    assert files.get(digest) == encode(audio)
    kept.write_bytes(b"damaged")
    assert files.get(digest) == encode(audio)
    assert files.sweep() == 0
    blobs.path(digest).unlink()
    with pytest.raises(StoreError, match="no longer holds"):
        files.get(digest)
    assert files.sweep() == 1
    assert list((tmp_path / "peaks").glob("??/*")) == []


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63])
def test_what_is_no_digest_is_refused(tmp_path, name):
    files = PeakFiles(tmp_path / "peaks", BlobStore(tmp_path / "blobs"))
    with pytest.raises(ValueError, match="hex digits"):
        files.get(name)
