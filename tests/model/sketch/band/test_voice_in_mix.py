"""The melody of a voice inside a mix comes from the separated voice, around the region and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.engine import Grid, RenderRequest, Report, Song, Task
from model.errors import RenderStopped
from model.pace import Pace
from model.sketch.band import accompany
from model.sketch.band.voice_in_mix import MARGIN_SECONDS, SeparateVoice, voice_in
from model.sketch.separation.separation import Stems
from model.stems.separator import CannotSeparate

RATE = 16_000
SECONDS = 24
QUIET = Pace(lambda _: None, lambda: False)
TIME = np.arange(SECONDS * RATE)[:, None] / RATE
VOICE = (0.2 * sum(np.sin(2 * np.pi * 220.0 * n * TIME) / n for n in range(1, 6))).astype(np.float32)
NOISE = np.random.default_rng(6).normal(0.0, 0.3, VOICE.shape).astype(np.float32)
SONG = Song(VOICE + NOISE, RATE, "a voice under noise")
BEATS = np.arange(-4, 2 * SECONDS + 8)
GRID = Grid(BEATS / 2.0, BEATS % 4, np.full(len(BEATS), 4), BEATS // 4 + 1, np.full(len(BEATS), 120.0))
REQUEST = RenderRequest(Task.ACCOMPANY, SONG, RATE, 1, 10 * RATE, 14 * RATE, GRID, seed=1, caption="drums")


def separating(
    has_vocal: bool = True, voice: np.ndarray = VOICE
) -> tuple[SeparateVoice, list[tuple[int, int]]]:
    asked: list[tuple[int, int]] = []

    def separate(song: Song, start: int, end: int, pace: Pace) -> Stems:
        pace.check()
        asked.append((start, end))
        sung, rest = voice[start:end], NOISE[start:end]
        nothing = np.zeros_like(rest)
        return Stems(
            sung, rest, nothing, nothing, 0.1, has_vocal, confidence={"vocals": 0.9}, by="HTDemucs x"
        )

    return separate, asked


def test_the_voice_is_followed_around_the_region_only() -> None:
    separate, asked = separating()
    found = voice_in(REQUEST, SONG, separate, QUIET)
    assert found is not None
    (span,) = asked
    assert span == (round((10 - MARGIN_SECONDS) * RATE), round((14 + MARGIN_SECONDS) * RATE))
    assert found.coverage > 0.9
    assert np.nanmedian(found.line.pitch) == pytest.approx(57.0, abs=0.1)  # 220 Hz
    assert not np.isfinite(found.line.pitch[-100:]).any()


def test_no_voice_no_network_and_no_pitch_leave_the_mix_as_it_is() -> None:
    def cannot(*_: object) -> Stems:
        raise CannotSeparate

    for separate in (None, cannot, separating(has_vocal=False)[0], separating(voice=0.3 * NOISE)[0]):
        assert voice_in(REQUEST, SONG, separate, QUIET) is None


def test_it_can_be_cancelled() -> None:
    with pytest.raises(RenderStopped):
        voice_in(REQUEST, SONG, separating()[0], Pace(lambda _: None, lambda: True))


def test_the_report_says_that_the_voice_was_separated() -> None:
    separate, asked = separating()
    *_, report = accompany.render(replace(REQUEST), lambda _: None, lambda: False, separate)
    assert isinstance(report, Report)
    assert report.figures["voice_separated_by"] == "HTDemucs x"
    assert "no neural network" not in report.method
    assert "separated by HTDemucs x" in report.method
    assert any(
        note.startswith("The source is a mix. HTDemucs x separated its voice") for note in report.notes
    )
    assert len(asked) == 1


def test_a_line_is_not_separated() -> None:
    separate, asked = separating()
    alone = replace(REQUEST, song=Song(VOICE, RATE, "a voice alone"))
    *_, report = accompany.render(alone, lambda _: None, lambda: False, separate)
    assert not asked
    assert "voice_separated_by" not in report.figures
