"""The song of a musician's first hour, and what must be true of it when it is finished."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from tests.model.sketch.survey import rhythm_songs

RATE = 44_100
LEAD_IN = 0.7  # seconds before the first downbeat
BPM = 121.0


def own_song(path: Path, seed: int) -> Path:
    """A bounce of ten bars with a lead-in, as MP3: its tempo is in no tag, and no DAW knows it."""
    made = rhythm_songs.make(rhythm_songs.steady(BPM, 10), lead_in=LEAD_IN, seed=seed).song
    soundfile.write(path, soxr.resample(made.samples, made.rate, RATE), RATE, format="MP3")
    return path


def check_finished(finished: Path, original: Path, start: int, middle: int, end: int) -> None:
    """Outside [start, end) every sample is the original's; on both sides of `middle` it is another."""
    found, rate = soundfile.read(finished, dtype="float32", always_2d=True)
    before, _ = soundfile.read(original, dtype="float32", always_2d=True)
    assert (rate, found.shape) == (RATE, before.shape)
    assert np.array_equal(found[:start], before[:start])
    assert np.array_equal(found[end:], before[end:])
    for inside in (slice(start, middle), slice(middle, end)):
        assert not np.array_equal(found[inside], before[inside])
