"""The bass is followed, keeps to its own partials, and is silent where nobody plays one."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.separation.bassline import bass_mask, bass_pitch, booming_kick, own_levels, teeth
from model.sketch.separation.channel_spectra import Framing, analyse, joint_magnitude
from model.sketch.separation.separation_parameters import DEFAULT

RATE = 44100
FRAMING = Framing.of(RATE, DEFAULT.percussive.window_seconds)
TIME = np.arange(3 * RATE) / RATE


def quiet() -> None:
    """A tick nobody listens to."""


def spectrum(mono: np.ndarray) -> np.ndarray:
    return joint_magnitude(analyse(mono.astype(np.float32)[:, None], FRAMING, quiet))


def bass(frequency: float) -> np.ndarray:
    return np.sum([np.sin(2 * np.pi * frequency * h * TIME) / h**1.5 for h in range(1, 9)], axis=0)


def test_follows_two_notes() -> None:
    line = np.where(TIME < 1.5, bass(55.0), bass(82.4))
    pitch, sounding = bass_pitch(spectrum(line), FRAMING, DEFAULT.bass, quiet)
    assert sounding[4:-4].all()
    for frames, expected in ((slice(5, 28), 55.0), (slice(36, 60), 82.4)):
        assert np.abs(12 * np.log2(pitch[frames] / expected)).max() < 0.4


def test_takes_the_bass_and_leaves_a_chord_above_it() -> None:
    low = bass(55.0)
    chord = np.sum([np.sin(2 * np.pi * f * TIME) for f in (329.6, 415.3, 493.9)], axis=0) * (TIME > 2)
    heard = spectrum(low + chord)
    mask = bass_mask(heard, FRAMING, *bass_pitch(heard, FRAMING, DEFAULT.bass, quiet), DEFAULT.bass, quiet)
    mask = mask[:, 6:-6]
    kept, leaked = (
        np.sum((mask * part[:, 6:-6]) ** 2) / np.sum(part[:, 6:-6] ** 2)
        for part in map(spectrum, (low, chord))
    )
    assert kept > 0.8
    assert leaked < 0.1


def test_a_partial_met_by_others_now_and_then_keeps_to_its_own_level() -> None:
    levels = np.ones((2, 100), dtype=np.float32)
    levels[1] = 0.2
    levels[1, 40:60] = 3.0
    own = own_levels(levels, np.ones(100, dtype=bool), 7, DEFAULT.bass)
    assert own[1].max() <= 0.2 * DEFAULT.bass.headroom + 1e-6


def test_no_pitch_where_nothing_sounds() -> None:
    own = own_levels(np.ones((3, 10), dtype=np.float32), np.zeros(10, dtype=bool), 3, DEFAULT.bass)
    assert not own.any()


def sine(frequency: float) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * TIME) * (0.2 + 0.8 * np.exp(-(TIME % 0.75) / 0.4))


@pytest.mark.parametrize(
    ("line", "kick"),
    [
        (sine(54.0), True),
        (np.where(TIME < 2.7, sine(54.0), sine(60.0)), True),
        (np.where(TIME < 1.5, sine(54.0), sine(60.0)), False),
        (bass(54.0) + 0.6 * sine(108.0), False),
        (np.zeros(len(TIME)), False),
    ],
    ids=["an 808", "with a stray note", "two notes", "a bass on one note", "nothing"],
)
def test_a_sine_on_one_pitch_is_a_kick(line: np.ndarray, kick: bool) -> None:
    magnitude = spectrum(line)
    pitch, sounding = bass_pitch(magnitude, FRAMING, DEFAULT.bass, quiet)
    assert booming_kick(magnitude, FRAMING, pitch, sounding, DEFAULT.bass) == kick


def test_teeth_have_the_levels_asked_for() -> None:
    pitch = np.full(4, 20 * FRAMING.bin_hertz)
    drawn = teeth(np.array([[1.0] * 4, [0.5] * 4], dtype=np.float32), pitch, FRAMING, 0.9)
    np.testing.assert_allclose(drawn[[20, 40], 2], [1.0, 0.5], rtol=1e-4)
    assert drawn[30].max() < 1e-4
