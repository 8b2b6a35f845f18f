"""A song at the device's rate and channels."""

import numpy as np
import pytest
import soxr

from bridge_server.audition.layered_audio import LayeredAudio
from bridge_server.audition.resampled_audio import ResampledAudio, as_channels


def sound(rate, seconds=3.0, channels=2):
    """Tones and noise: something in all of the band."""
    time = np.arange(round(rate * seconds)) / rate
    tones = sum(np.sin(2 * np.pi * hertz * time) for hertz in (55.0, 997.0, 9000.0, 17500.0)) * 0.1
    hiss = np.random.default_rng(0).uniform(-0.1, 0.1, (len(time), channels))
    return (tones[:, None] + hiss).astype(np.float32)


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_at_its_own_rate_every_bit_is_kept(rate):
    samples = sound(rate, 0.2)
    found = ResampledAudio(LayeredAudio(samples, rate), rate, 2).read(100, 5000)
    assert np.array_equal(found, samples[100:5100])


@pytest.mark.parametrize(
    ("song", "device"),
    [
        (44100, 48000),
        (48000, 44100),
        (96000, 48000),
        (192000, 44100),
        (44100, 192000),
        (48000, 8000),
        (48000, 22050),
    ],
)
def test_segments_join_to_what_the_whole_song_gives_at_once(song, device):
    samples = sound(song)
    whole = soxr.resample(samples, song, device, quality="VHQ")
    audio = ResampledAudio(LayeredAudio(samples, song), device, 2)
    # Away from the song's ends, where the one has silence around it and the other nothing.
    first, last = device // 5, len(whole) - device // 5
    pieces, frame = [], first
    while frame < last:
        count = min(1777, last - frame)
        pieces.append(audio.read(frame, count))
        frame += count
    difference = np.abs(np.concatenate(pieces) - whole[first:last]).max()
    assert difference < 2e-6, "less than the last bit of 18"


def test_a_piece_before_the_song_is_silence_until_it_begins():
    audio = ResampledAudio(LayeredAudio(sound(44100, 0.5), 44100), 48000, 2)
    assert np.abs(audio.read(-9600, 4800)).max() < 1e-6
    assert np.abs(audio.read(0, 4800)).max() > 0.1
    assert audio.frames == 24000


@pytest.mark.parametrize("odd", [37800, 44101, 11025])
def test_rates_nobody_expects(odd):
    audio = ResampledAudio(LayeredAudio(sound(48000, 1.5), 48000), odd, 2)
    assert audio.read(odd // 7, 2000).shape == (2000, 2)
    assert np.isfinite(audio.read(odd // 7, 2000)).all()


def test_channels():
    stereo, mono = sound(48000, 0.01), sound(48000, 0.01, 1)
    assert np.array_equal(as_channels(mono, 2), np.repeat(mono, 2, axis=1))
    assert np.allclose(as_channels(stereo, 1)[:, 0], (stereo[:, 0] + stereo[:, 1]) / 2)
    wide = as_channels(stereo, 6)
    assert np.array_equal(wide[:, :2], stereo)
    assert not wide[:, 2:].any()
