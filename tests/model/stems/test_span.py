"""Any rate, any channels, any region: to the frame, and the same samples wherever a region begins."""

from __future__ import annotations

import numpy as np
import pytest

from model.engine import Samples, Song
from model.errors import RenderStopped
from model.pace import Pace
from model.stems.span import Rates, level_of, span_stems
from tests.model.stems.networks import SOURCES, PlainNetwork

QUIET = Pace(lambda _: None, lambda: False)


def tone(rate: int, seconds: float = 0.7, channels: int = 2) -> Song:
    time = np.arange(int(seconds * rate)) / rate
    wave = 0.3 * np.sin(2 * np.pi * 440.0 * time)[:, None] * np.linspace(0.5, 1.0, channels)
    return Song(wave.astype(np.float32), rate, f"tone {rate} {channels}")


def stems(song: Song, start: int, end: int) -> dict[str, Samples]:
    pieces = list(span_stems(PlainNetwork(), song, start, end, SOURCES, QUIET))
    return {stem: np.concatenate([piece[stem] for piece in pieces]) for stem in SOURCES}


@pytest.mark.parametrize("rate", [22_050, 44_100, 47_952, 48_000, 96_000, 192_000])
def test_every_rate_keeps_length_place_and_level(rate: int) -> None:
    song = tone(rate)
    found = stems(song, 0, song.frames)
    assert all(audio.shape == song.samples.shape for audio in found.values())
    inner = slice(
        song.frames // 4, 3 * song.frames // 4
    )  # the tone starts and ends too abruptly for a converter
    total = np.sum(list(found.values()), axis=0)[inner] / 1.05
    assert np.abs(total - song.samples[inner]).max() < 0.06 * 0.3


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_a_region_is_that_part_of_the_whole_song(rate: int) -> None:
    song = tone(rate)
    start, end = song.frames // 3 + 1, 2 * song.frames // 3 + 2
    whole, part = stems(song, 0, song.frames), stems(song, start, end)
    for stem in SOURCES:
        assert np.abs(part[stem] - whole[stem][start:end]).max() < 1e-7


def test_mono_stays_mono() -> None:
    song = tone(44_100, channels=1)
    found = stems(song, 0, song.frames)
    assert found["vocals"].shape == (song.frames, 1)
    assert np.abs(np.sum(list(found.values()), axis=0) / 1.05 - song.samples).max() < 0.06 * 0.3


def test_one_frame_and_none() -> None:
    song = tone(48_000)
    assert len(stems(song, 100, 101)["bass"]) == 1
    assert not list(span_stems(PlainNetwork(), song, 100, 100, SOURCES, QUIET))


def test_the_network_gets_the_song_at_its_own_level() -> None:
    level = level_of(tone(44_100), QUIET)
    assert abs(level.mean) < 1e-3
    assert level.deviation == pytest.approx(0.3 * 0.75 / np.sqrt(2), rel=0.01)


def test_a_silent_song_has_silent_stems() -> None:
    song = Song(np.zeros((10_000, 2), np.float32), 48_000, "silence")
    assert not any(audio.any() for audio in stems(song, 0, song.frames).values())


def test_it_can_be_cancelled() -> None:
    song = tone(48_000)
    with pytest.raises(RenderStopped):
        list(span_stems(PlainNetwork(), song, 0, song.frames, SOURCES, Pace(lambda _: None, lambda: True)))


def test_rates_meet_in_whole_frames() -> None:
    rates = Rates.of(48_000, 44_100)
    assert (rates.song, rates.network) == (160, 147)
    assert rates.network_frames(161) == 148
    assert Rates.of(44_100, 44_100).margin == 0
