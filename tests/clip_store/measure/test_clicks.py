"""Clicks at bar lines of a played song: those the music does not cover are named, and nothing of the song itself."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from clip_store.audio.audio import Audio, Encoding, quantise
from clip_store.measure.bands import mel_bands
from clip_store.measure.seams import measure_seams

RATE = 44100
BEAT = RATE // 2
LINES = [bar * 4 * BEAT for bar in range(1, 11)]
LATE = [-0.011, -0.006, 0.0, 0.002, 0.009]
"""Seconds from the bar line to the join: before the hit on it, on it, and in it."""


JUMPS = (0.001, 0.002, 0.01, 0.02, 0.05, 0.1, 0.3)
"""Of full scale."""


def hit(random: np.random.Generator, seconds: float, level: float, roughness: int) -> NDArray[np.float64]:
    """A burst of noise that dies away, [frames]; the rougher, the brighter."""
    frames = round(seconds * RATE)
    burst = np.diff(random.standard_normal(frames + roughness), n=roughness)
    return burst / burst.std() * level * np.exp(-np.arange(frames) / (frames / 5))


def played_song() -> NDArray[np.float64]:
    """Twelve bars: bass and chord held, kick, snare and hi-hat never twice alike nor quite on the beat, [frames, 2]."""
    random = np.random.default_rng(7)
    frames = 12 * 4 * BEAT
    time = np.arange(frames) / RATE
    mono = 0.12 * np.sin(2 * np.pi * 55 * time)
    mono += sum(0.04 * np.sin(2 * np.pi * hertz * time) for hertz in (220, 277, 330))
    for eighth in range(2, 12 * 8 - 2):
        at = eighth * BEAT // 2 + round(random.normal(0, 0.004) * RATE)
        level = random.uniform(0.6, 1.3)
        parts = [hit(random, 0.05, 0.04 * random.uniform(0.1, 1.3), 1)]
        if eighth % 8 == 4:
            parts.append(hit(random, 0.2, 0.25 * level, 0))
        if eighth % 8 == 0:
            drum = np.arange(round(0.15 * RATE)) / RATE
            parts.append(0.3 * level * np.sin(2 * np.pi * 60 * drum) * np.exp(-drum * 25))
        for part in parts:
            mono[at : at + len(part)] += part
    return np.stack([mono, 0.8 * mono], axis=1) * 0.5


def with_click(samples: NDArray[np.float64], at: int, jump: float) -> NDArray[np.float64]:
    """The song with a jump at a sample, which dies away within some ten milliseconds."""
    clicked = samples.copy()
    length = round(0.05 * RATE)
    clicked[at : at + length] += (jump * np.exp(-np.arange(length) / (0.01 * RATE)))[:, None]
    return clicked


def above_the_music(samples: NDArray[np.float64], clicked: NDArray[np.float64], at: int) -> float:
    """How far the click rises above the music around it in the band that covers it least, dB."""
    frame, step = 256, round(0.002 * RATE)

    def bands(sound: NDArray[np.float64], first: int) -> NDArray[np.float64]:
        return mel_bands(sound[None, first : first + frame], RATE)[0]

    click = bands(clicked - samples, at - frame // 2)
    music = np.max([bands(samples, at - frame // 2 + shift * step) for shift in range(-2, 4)], axis=0)
    middle = slice(10, 36)  # 300 Hz to 12 kHz: below, a jump is a thud
    return float((10 * np.log10(click[middle] / (music[middle] + 1e-9) + 1e-9)).max())


def audio(samples: NDArray[np.float64]) -> Audio:
    return quantise(samples, RATE, Encoding.FLOAT).audio


@pytest.fixture(scope="module")
def samples() -> NDArray[np.float64]:
    return played_song()


def test_no_place_of_the_song_itself_clicks(samples: NDArray[np.float64]) -> None:
    """Hits are the roughest moments of a song. Measured as if from nowhere: at other places than the bar lines."""
    song, moved = audio(samples), audio(np.roll(samples, 2 * BEAT, axis=0))
    places = [line + round(late * RATE) for line in LINES[1:-1] for late in LATE]
    seams = measure_seams(song, moved, 0, [(place, place) for place in places], LINES)
    assert sum(seam.click.stands_out for seam in seams) <= 1


def test_clicks_above_the_music_are_named_and_covered_ones_are_not(samples: NDArray[np.float64]) -> None:
    song = audio(samples)
    named: dict[bool, list[bool]] = {True: [], False: []}
    places = [line + round(late * RATE) for line, late in zip(LINES[1:-1], LATE * 2, strict=False)]
    for jump in JUMPS:
        clicked = samples
        for place in places:
            clicked = with_click(clicked, place, jump)
        seams = measure_seams(song, audio(clicked), 0, [(place, place) for place in places], LINES)
        for place, seam in zip(places, seams, strict=True):
            above = above_the_music(samples, clicked, place)
            if not -6.0 < above < 20.0:  # between them it is a matter of taste
                named[above > 0.0].append(seam.click.stands_out)
    assert len(named[True]) >= 15
    assert np.mean(named[True]) >= 0.9
    assert len(named[False]) >= 8
    assert not any(named[False])


def test_a_click_in_one_channel_is_named_though_the_other_is_rough(samples: NDArray[np.float64]) -> None:
    at = LINES[5] + BEAT // 4
    quiet = samples.copy()
    quiet[:, 1] = 0.1 * np.sin(2 * np.pi * 220 * np.arange(len(quiet)) / RATE)
    clicked = quiet.copy()
    clicked[:, 1] = with_click(quiet, at, 0.1)[:, 1]
    (seam,) = measure_seams(audio(quiet), audio(clicked), 0, [(at, at)], LINES)
    assert seam.click.stands_out
