"""What a producer gets for "extract": the stems asked for, in place, summing to the
source, or a clear refusal."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from model.engine import Grid, Piece, Rendered, RenderRequest, Report, Samples, Song, Task
from model.errors import CannotRender
from model.sketch.separation import extract
from model.sketch.separation.separation_parameters import STEM_NAMES
from model.stem_notes import LEAST_CLEAR
from tests.model.sketch import stem_songs

RATE = stem_songs.RATE
BEATS = Grid(
    seconds=np.arange(-4, 60) * 0.5,
    beat_in_bar=np.arange(64) % 4,
    bar_beats=np.full(64, 4),
    bar=np.arange(64) // 4,
    quarters_per_minute=np.full(64, 120.0),
)


def request(samples: Samples, start: int, end: int, **changes: object) -> RenderRequest:
    song = Song(samples, RATE, "a song")
    made = RenderRequest(Task.EXTRACT, song, RATE, samples.shape[1], start, end, BEATS, seed=1)
    return dataclasses.replace(made, **changes)


def rendered(asked: RenderRequest) -> list[Rendered]:
    return list(extract.render(asked, lambda _: None, lambda: False))


def pieces(results: list[Rendered]) -> dict[str, Piece]:
    return {result.stem: result for result in results if isinstance(result, Piece)}


@pytest.fixture(scope="module")
def pop() -> Samples:
    return stem_songs.make("pop", 12.0).mix


@pytest.mark.parametrize("stems", [(), ("vocals",), ("other",), ("bass", "drums"), STEM_NAMES])
def test_pieces_sum_to_the_region(pop: Samples, stems: tuple[str, ...]) -> None:
    start, end = 4 * RATE + 11, 7 * RATE + 2
    results = rendered(request(pop, start, end, stems=stems, context_seconds=2.0))
    found = pieces(results)
    expected = list(stems) or list(STEM_NAMES)
    assert list(found) == expected + ([] if len(expected) == 4 else [extract.RESIDUAL])
    total = np.sum([piece.samples.astype(np.float64) for piece in found.values()], axis=0)
    assert np.abs(total - pop[start:end]).max() <= 1e-6
    assert {piece.start for piece in found.values()} == {start}
    assert isinstance(results[-1], Report)


def test_reports_method_shares_and_quality(pop: Samples) -> None:
    report = rendered(request(pop, 2 * RATE, 8 * RATE))[-1]
    assert isinstance(report, Report)
    assert "without a neural network" in report.method
    assert report.figures["has_vocal"] is True
    assert set(report.figures["share"]) == set(STEM_NAMES)
    assert all(0 <= value <= 1 for value in report.figures["confidence"].values())
    assert extract.NO_VOCAL_NOTE not in report.notes
    unclear = {stem for stem, clear in report.figures["confidence"].items() if clear < LEAST_CLEAR}
    assert 0 < len(unclear) < 4
    assert {
        stem
        for stem in STEM_NAMES
        if any(f"of the {stem} stem or more is bleed" in note for note in report.notes)
    } == unclear
    assert any("bleed" in note for note in report.notes)


def test_says_when_nobody_sings() -> None:
    source = stem_songs.make("ambient", 8.0).mix
    results = rendered(request(source, 0, len(source), stems=("vocals",)))
    assert not pieces(results)["vocals"].samples.any()
    np.testing.assert_array_equal(pieces(results)[extract.RESIDUAL].samples, source)
    assert isinstance(results[-1], Report)
    assert extract.NO_VOCAL_NOTE in results[-1].notes


@pytest.mark.parametrize("frames", [1, 2205])
def test_tiny_regions(pop: Samples, frames: int) -> None:
    found = pieces(rendered(request(pop, RATE, RATE + frames, context_seconds=0.5)))
    assert {piece.samples.shape for piece in found.values()} == {(frames, 2)}


@pytest.mark.parametrize(
    "changes",
    [
        {"end": 13 * RATE},
        {"start": -1},
        {"start": RATE, "end": RATE},
        {"stems": ("guitar",)},
        {"song": None},
        {"rate": 48000},
    ],
    ids=str,
)
def test_what_the_bridge_refuses_never_comes_here(pop: Samples, changes: dict[str, object]) -> None:
    with pytest.raises(AssertionError):
        rendered(request(pop, **{"start": 0, "end": RATE, **changes}))  # type: ignore[arg-type]


def test_refuses_samples_that_are_not_numbers(pop: Samples) -> None:
    broken = pop.copy()
    broken[RATE] = np.nan
    with pytest.raises(CannotRender, match="invalid samples"):
        rendered(request(broken, 0, 2 * RATE))
