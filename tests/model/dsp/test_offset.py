import numpy as np
import pytest

from model.dsp.loudness import integrated
from model.dsp.offset import (
    MIN_OFFSET,
    OFFSET_SECONDS,
    drifts,
    first_offset,
    is_quiet,
    outweighs_sound,
    sound_of,
    steady_offset,
    without_drift,
)
from model.dsp.onsets import find_onsets

RATE = 48_000
LIMIT = 1e-4


def noise(frames: int, level: float = 0.1) -> np.ndarray:
    return np.random.default_rng(2).uniform(-level, level, (frames, 2))


OFFSETS = {
    "none": lambda frames: np.zeros((frames, 2)),
    "small": lambda frames: np.full((frames, 2), 0.4),
    "large": lambda frames: np.full((frames, 2), 50.0),
    "negative": lambda frames: np.full((frames, 2), -50.0),
    "one channel": lambda frames: np.tile([50.0, 0.0], (frames, 1)),
    "drifting": lambda frames: np.linspace([0.0, 20.0], [50.0, -5.0], frames),
}


def test_the_offset_of_each_channel():
    samples = noise(200_000).astype(np.float32)
    samples[:, 1] += np.float32(0.25)
    assert steady_offset(samples) == pytest.approx([0, 0.25], abs=1e-3)
    assert steady_offset(samples)[0] == 0  # exactly: what is too small to matter changes no sample
    assert steady_offset(np.full((10, 1), MIN_OFFSET / 2)) == [0]
    assert steady_offset(np.zeros((0, 2))).tolist() == [0, 0]


@pytest.mark.parametrize("name", OFFSETS)
def test_loudness_is_that_of_the_sound(name):
    sound = noise(3 * RATE)
    assert integrated(sound + OFFSETS[name](len(sound)), RATE) == pytest.approx(
        integrated(sound, RATE), abs=0.1
    )


@pytest.mark.parametrize("name", OFFSETS)
def test_silence_is_silent_and_quiet_sound_is_not(name):
    offset = OFFSETS[name](2 * RATE)
    assert is_quiet(offset, RATE, LIMIT)
    # A drift of 25 times full scale a second is heard where it sets in, and no more.
    assert integrated(offset, RATE) < (-20.0 if name == "drifting" else -200.0)
    assert not is_quiet(offset + noise(2 * RATE, 4 * LIMIT), RATE, LIMIT)
    click = offset.copy()
    click[RATE, 1] += 0.1
    assert not is_quiet(click, RATE, LIMIT)


def test_a_low_note_is_not_silence():
    low = 0.01 * np.sin(2 * np.pi * 41 * np.arange(2 * RATE) / RATE)[:, None]
    assert not is_quiet(low, RATE, LIMIT)
    assert not is_quiet(low[:480], RATE, LIMIT)
    assert is_quiet(np.zeros((0, 2)), RATE, LIMIT)


@pytest.mark.parametrize("name", OFFSETS)
def test_onsets_are_found_under_it(name):
    sound = noise(2 * RATE, 0.001)
    for at in (RATE // 2, RATE):
        sound[at : at + 2400] += noise(2400, 0.3)
    found = find_onsets(sound + OFFSETS[name](len(sound)), RATE)
    assert [min(abs(found - at)) < 0.01 * RATE for at in (RATE // 2, RATE)] == [True, True]


@pytest.mark.parametrize("name", OFFSETS)
def test_what_drifts_and_what_outweighs_the_sound(name):
    offset = OFFSETS[name](2 * RATE)
    assert drifts(noise(2 * RATE) + offset) == (name == "drifting")
    assert outweighs_sound(noise(2 * RATE) + offset, RATE) == (name != "none")
    assert not outweighs_sound(noise(2 * RATE, 1.0) + 0.05, RATE)
    assert not outweighs_sound(np.full((100, 2), 0.3), RATE)


def test_where_there_is_none_the_sound_is_the_same_array():
    sound = noise(RATE)
    sound -= sound.mean(axis=0)
    assert sound_of(sound, RATE) is sound
    assert sound_of(sound + 1.0, RATE).dtype == sound.dtype
    assert np.abs(sound_of(sound + 1.0, RATE) - without_drift(sound, RATE)).max() < 1e-9


def test_the_first_offset_is_none_where_music_begins():
    note = 0.5 * np.sin(2 * np.pi * 33 * np.arange(RATE) / RATE + 1)[:, None]
    assert first_offset(note, RATE).tolist() == [0.0]
    assert first_offset(note + 2, RATE) == pytest.approx([2.0], abs=0.1)
    assert first_offset(np.zeros((0, 2)), RATE).tolist() == [0.0, 0.0]
    assert first_offset(np.full((5, 1), MIN_OFFSET / 2), RATE).tolist() == [0.0]
    assert OFFSET_SECONDS * 41 > 4
