"""One line or several sounds: voices and bass lines against bands, dry and in a room."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy.signal import oaconvolve

from model.engine import Song
from model.pace import Pace
from model.sketch.band import melody
from model.sketch.band.line_or_mix import LEAST_LINE, explained_share, is_line, spectrogram_of
from model.sketch.band.melody import Melody
from tests.model.sketch import folk_songs
from tests.model.sketch.singing_machine import perform
from tests.model.sketch.songs import make_song

RATE = 16_000
PACE = Pace(lambda _: None, lambda: False)


@functools.cache
def voice():
    song, _ = perform(folk_songs.TWINKLE, RATE, cents=17.0)
    return song.samples[: 8 * RATE]


def in_a_room(samples):
    """With a reverberation of a second, 8 dB below the dry sound, and the hiss of a microphone."""
    rng = np.random.default_rng(1)
    decay = rng.normal(0, 1, RATE) * np.exp(-6.9 * np.arange(RATE) / RATE)
    wet = oaconvolve(samples[:, 0], decay / np.linalg.norm(decay))[: len(samples)]
    hiss = rng.normal(0, 0.01 * samples.std(), len(samples))
    return (samples[:, 0] + 0.4 * wet + hiss)[:, None].astype(np.float32)


def judged(samples):
    song = Song(samples, RATE, "judged")
    line = melody.track(song.samples, RATE)
    explained = explained_share(line, spectrogram_of(song, PACE), lambda: None)
    return is_line(line, explained), line.line_share * explained


def band(**parts):
    return make_song(4, rate=RATE, channels=1, progression=("Am", "F", "C", "G"), **parts)


@pytest.mark.parametrize("dressed", [np.asarray, in_a_room], ids=["dry", "in a room"])
def test_a_voice_is_a_line(dressed):
    found, share = judged(dressed(voice()))
    assert found
    assert share > LEAST_LINE + 0.05


def test_a_voice_that_mostly_rests_is_a_line():
    rests = voice().copy()
    rests[2 * RATE :] = 0.0
    assert judged(rests)[0]


@pytest.mark.parametrize("parts", [{"lead": False, "drums": False}, {"lead": True, "drums": True}], ids=str)
def test_a_band_is_a_mix_also_where_its_bass_has_a_clear_pitch(parts):
    found, share = judged(band(**parts).song.samples)
    assert not found
    assert share < LEAST_LINE


def test_its_bass_alone_is_a_line():
    assert judged(np.ascontiguousarray(band().stems["bass"]))[0]


def test_without_a_pitch_nothing_is_explained():
    silent = Melody(np.full(100, np.nan), np.zeros(100))
    assert explained_share(silent, np.ones((20, 400), np.float32), lambda: None) == 0.0
    assert not is_line(silent, 0.0)
