"""Words about colour and motion change the sound in the direction they name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from model.engine import Piece, Report, Samples, Task
from model.sketch.captions import COMPLETE, REPAINT
from model.sketch.engine import SketchEngine
from model.sketch.rearrange.leaning import SIGNS
from tests.model.sketch.songs import Generated, make_song, request_for


@pytest.fixture(scope="module")
def engine() -> SketchEngine:
    return SketchEngine()


@pytest.fixture(scope="module")
def varied() -> Generated:
    """A song whose bars differ: every second pair of bars is dull, every fourth pair has sixteenths on top."""
    made = make_song(32)
    rate = made.song.rate
    samples = np.array(made.song.samples, dtype=np.float32)
    kernel = np.hanning(15) / np.hanning(15).sum()
    click = np.random.default_rng(3).normal(0.0, 0.12, round(0.02 * rate)) * np.linspace(
        1.0, 0.0, round(0.02 * rate)
    )
    for bar in range(32):
        first, last = made.bar_frame(bar), made.bar_frame(bar + 1)
        if bar // 2 % 2:
            for channel in range(samples.shape[1]):
                samples[first:last, channel] = np.convolve(samples[first:last, channel], kernel, "same")
        if bar // 2 % 4 < 2:
            for step in range(16):
                at = first + (last - first) * step // 16
                samples[at : at + len(click)] += click[: len(samples) - at, None].astype(np.float32)
    return replace(made, song=replace(made.song, samples=samples, digest="varied"))


def centre(samples: Samples, rate: int) -> float:
    """The spectrum's centre of gravity, in hertz; independent of level and of the engine's own measure."""
    power = np.square(np.abs(np.fft.rfft(samples.mean(axis=1))))
    return float((power * np.fft.rfftfreq(len(samples), 1 / rate)).sum() / power.sum())


def attacks(samples: Samples, rate: int) -> float:
    """Rises of the level by more than 3 dB from one hundredth of a second to the next, a second."""
    step = rate // 100
    mono: NDArray[np.float64] = np.diff(samples.mean(axis=1).astype(np.float64))
    level = np.log10(np.square(mono[: len(mono) // step * step]).reshape(-1, step).sum(axis=1) + 1e-6)
    return float(np.sum(np.diff(level) > 0.3)) / (len(samples) / rate)


MEASURES: dict[str, Callable[[Samples, int], float]] = {
    "brighter": centre, "darker": centre, "busier": attacks, "sparser": attacks,
}  # fmt: skip


def take(
    engine: SketchEngine,
    made: Generated,
    caption: str,
    task: Task = Task.REPAINT,
    bars: int = 8,
    first: int = 12,
) -> tuple[Samples, Report]:
    start, end = made.bar_frame(first), made.bar_frame(first + bars)
    request = request_for(made, start, end, caption=caption, task=task)
    *pieces, report = engine.render(request, lambda progress: None, lambda: False)
    assert isinstance(report, Report)
    return next(piece.samples for piece in pieces if isinstance(piece, Piece)), report


@pytest.mark.parametrize("word", SIGNS)
@pytest.mark.parametrize("task", [Task.REPAINT, Task.COMPLETE])
def test_a_word_moves_the_sound_where_it_says(engine, varied, word, task):
    plain, _ = take(engine, varied, "", task)
    asked, report = take(engine, varied, word, task)
    measure = MEASURES[word]
    moved = measure(asked, varied.song.rate) - measure(plain, varied.song.rate)
    assert moved * SIGNS[word] > 0.0, (word, moved)
    assert not any("does not follow" in note for note in report.notes)


def test_all_ways_of_saying_it_give_the_same_take(engine, varied):
    for wish in (*REPAINT.wishes, *COMPLETE.wishes):
        if wish.name in SIGNS:
            for phrase in wish.phrases:
                assert REPAINT.read(phrase).asks(wish.name), phrase
    one, _ = take(engine, varied, "not so bright")
    other, _ = take(engine, varied, "darker")
    assert np.array_equal(one, other)


def test_a_song_without_such_beats_says_so(engine):
    same = make_song(16, progression=("C",), lead=False, drums=False)
    notes = {
        note
        for bar in range(1, 15)
        for note in take(engine, same, "brighter", bars=1, first=bar)[1].notes
        if note.startswith("No ")
    }
    assert notes, "one of the bars is the brightest"


def test_rearranged_drums_cannot_lean(engine):
    loop = make_song(16, exact_loop=True, progression=("C", "G", "Am", "F"))
    _, report = take(engine, loop, "brighter, busier", bars=4)
    assert "Rearranged drums cannot be made brighter and busier." in report.notes
