"""A change of arrangement at a join is found, and only where the song has none like it."""

import numpy as np

from clip_store.audio.audio import Audio, Encoding, quantise
from clip_store.measure.texture import measure_changes
from tests.clip_store.sounds import drums, noise, tone

RATE = 44100
BAR = 2 * RATE
LINES = [bar * BAR for bar in range(13)]


def band(bars: int, with_drums: bool, seed: int = 0) -> np.ndarray:
    """A tone over bars, with quiet noise and, if wanted, drums."""
    frames = bars * BAR
    played = tone(frames, RATE, hertz=220, level=0.1) + noise(frames, 1, 0.001, seed)
    return played + (drums(frames, RATE, RATE // 10, 0, seed=seed)[0] if with_drums else 0.0)


def audio(samples: np.ndarray) -> Audio:
    return quantise(samples, RATE, Encoding.FLOAT).audio


def test_bars_without_the_drums_stand_out_where_the_song_never_drops_them() -> None:
    song = audio(band(12, with_drums=True))
    spliced = song.samples.copy()
    spliced[5 * BAR : 6 * BAR] = band(1, with_drums=False)
    (change,) = measure_changes(song, audio(spliced), 0, [5 * BAR], LINES)
    assert change.stands_out
    assert change.decibels > 4.0


def test_other_bars_with_the_drums_do_not() -> None:
    song = audio(band(12, with_drums=True))
    spliced = song.samples.copy()
    spliced[5 * BAR : 6 * BAR] = band(1, with_drums=True, seed=3)
    (change,) = measure_changes(song, audio(spliced), 0, [5 * BAR], LINES)
    assert not change.stands_out


def test_nor_does_a_change_the_song_has_there_itself() -> None:
    song = audio(np.concatenate([band(6, with_drums=False), band(6, with_drums=True)]))
    (change,) = measure_changes(song, song, 0, [6 * BAR], LINES)
    assert change.decibels > 4.0
    assert not change.stands_out


def test_a_song_without_bar_lines_gives_no_verdict() -> None:
    song = audio(band(12, with_drums=True))
    silent = song.samples.copy()
    silent[5 * BAR :] = 0.0
    (change,) = measure_changes(song, audio(silent), 0, [5 * BAR], LINES[:3])
    assert not change.stands_out


def test_where_the_new_song_ends_its_silence_is_no_arrangement() -> None:
    song = audio(band(12, with_drums=True))
    near_end = len(song.samples) - RATE // 4
    assert measure_changes(song, song, 0, [near_end], LINES) == ()


def test_a_short_rest_before_a_join_is_no_arrangement() -> None:
    """Of levels in dB half a second of silence would be most of the mean."""
    song = audio(band(12, with_drums=True))
    rested = song.samples.copy()
    rested[5 * BAR - RATE // 2 : 5 * BAR] = 0.0
    (change,) = measure_changes(song, audio(rested), 0, [5 * BAR], LINES)
    assert not change.stands_out
