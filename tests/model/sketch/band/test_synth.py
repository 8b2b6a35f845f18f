"""The band's sounds: in tune, on time, silent at the end, the same every time, at any rate."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.band.synth import SOUNDS, Note, SoundBank, pan_gains, play

SLOW_ATTACKS = ("pad", "lead")


def mono(sound: str, pitch: float = 60.0, seconds: float = 0.8, velocity: float = 0.8, rate: int = 48000):
    wave = SOUNDS[sound](pitch, seconds, velocity, rate)
    assert wave.dtype == np.float32
    assert wave.ndim == 2
    return wave.mean(axis=1)


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize("sound", sorted(SOUNDS))
def test_every_sound_is_finite_loud_enough_and_ends_in_silence(sound, rate):
    wave = mono(sound, rate=rate)
    assert np.isfinite(wave).all()
    assert 0.1 < np.abs(wave).max() < 1.6
    assert np.abs(wave[-5:]).max() < 2e-3


@pytest.mark.parametrize("sound", sorted(set(SOUNDS) - set(SLOW_ATTACKS)))
def test_sounds_begin_within_a_few_milliseconds(sound):
    """Half of the first 30 ms' peak is reached within 8 ms: the grid can be trusted. No click before it."""
    wave = np.abs(mono(sound))
    assert wave[0] < 0.02
    beginning = wave[:1440]
    reached = int(np.argmax(beginning > 0.5 * beginning.max()))
    assert reached <= (800 if sound in ("brush", "shaker") else 384)


def test_louder_is_louder():
    for sound in SOUNDS:
        assert np.abs(mono(sound, velocity=0.9)).max() > 1.3 * np.abs(mono(sound, velocity=0.4)).max()


def test_equal_notes_are_made_once_and_banks_agree():
    bank = SoundBank(48000)
    first = bank.wave(Note("pluck", 60.0, 0.0, 0.5, 0.7))
    assert bank.wave(Note("pluck", 60.0, 9.0, 0.501, 0.705)) is first
    assert not first.flags.writeable
    np.testing.assert_array_equal(SoundBank(48000).wave(Note("pluck", 60.0, 0.0, 0.5, 0.7)), first)


def test_a_note_starts_on_its_frame():
    bank = SoundBank(48000)
    note = Note("rim", 0, 0.25, 0.1, 1.0)
    track = play(bank, [note], 24000)
    assert not track[:12000].any()
    np.testing.assert_allclose(
        track[12000:16000, :1], bank.wave(note)[:4000] * np.float32(np.sqrt(0.5)), atol=1e-6
    )


def test_what_began_before_the_track_goes_on_in_it():
    bank = SoundBank(48000)
    whole = play(bank, [Note("bass", 40, 0.5, 1.0, 0.8)], 96000)
    later = play(bank, [Note("bass", 40, -0.25, 1.0, 0.8)], 60000)
    np.testing.assert_array_equal(later, whole[36000:])


def test_panning_keeps_the_power():
    for pan in (-1.0, -0.3, 0.0, 0.8, 1.0):
        assert np.sum(pan_gains(pan) ** 2) == pytest.approx(1.0)
    assert pan_gains(-1.0)[1] == pytest.approx(0.0, abs=1e-7)


def test_playing_looks_whether_it_should_stop_before_every_note():
    class StopError(Exception):
        pass

    def look():
        raise StopError

    with pytest.raises(StopError):
        play(SoundBank(48000), [Note("kick", 0, 0.0, 0.1, 1.0)], 100, look)
