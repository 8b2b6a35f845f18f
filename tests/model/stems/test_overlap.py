"""Overlapping chunks: no seam, the samples of a region as those of the whole song, no more work than needed."""

from __future__ import annotations

import numpy as np
import pytest

from model.dsp.window import read_window
from model.errors import RenderStopped
from model.pace import Pace
from model.stems.overlap import separated, triangle
from tests.model.stems.networks import PlainNetwork

FRAMES = 20_011
SONG = np.random.default_rng(1).normal(0.0, 0.1, (2, FRAMES)).astype(np.float32)
QUIET = Pace(lambda _: None, lambda: False)


def read(first: int, last: int) -> np.ndarray:
    return read_window(SONG.T, first, last).T


def stems(network: PlainNetwork, first: int = 0, last: int = FRAMES, overlap: float = 0.25) -> np.ndarray:
    return np.concatenate(list(separated(network, read, FRAMES, first, last, overlap, QUIET)), axis=-1)


def test_stems_are_as_long_as_the_song_and_keep_their_level() -> None:
    found = stems(PlainNetwork())
    assert found.shape == (4, 2, FRAMES)
    assert np.abs(found.sum(axis=0) - 1.05 * SONG).max() < 0.06 * np.abs(SONG).max()


@pytest.mark.parametrize(("first", "last"), [(0, 1), (4_000, 9_000), (19_000, FRAMES), (7_000, 7_000)])
def test_a_region_has_the_samples_of_the_whole_song(first: int, last: int) -> None:
    whole = stems(PlainNetwork())
    part = list(separated(PlainNetwork(), read, FRAMES, first, last, 0.25, QUIET))
    joined = np.concatenate([np.zeros((4, 2, 0), np.float32), *part], axis=-1)
    assert np.array_equal(joined, whole[..., first:last])


def test_only_the_chunks_that_a_region_touches_are_run() -> None:
    network = PlainNetwork()
    stems(network, 9_000, 9_100)
    assert network.runs <= 2


def test_more_overlap_is_more_work_and_smoother() -> None:
    plain, smooth = PlainNetwork(), PlainNetwork()
    rough = np.abs(np.diff(stems(plain).sum(axis=(0, 1)) / SONG.sum(axis=0)))
    fine = np.abs(np.diff(stems(smooth, overlap=0.75).sum(axis=(0, 1)) / SONG.sum(axis=0)))
    assert smooth.runs > 2 * plain.runs
    assert np.median(fine) < np.median(rough)


def test_silence_is_not_run() -> None:
    network = PlainNetwork()
    (*_,) = separated(network, lambda a, b: np.zeros((2, b - a), np.float32), FRAMES, 0, FRAMES, 0.25, QUIET)
    assert network.runs == 0


def test_every_chunk_is_reported_and_can_be_the_last() -> None:
    seen: list[float] = []
    pace = Pace(lambda update: seen.append(update.fraction), lambda: len(seen) >= 3)
    with pytest.raises(RenderStopped):
        list(separated(PlainNetwork(), read, FRAMES, 0, FRAMES, 0.25, pace))
    assert seen == sorted(set(seen))


def test_pieces_come_one_chunk_at_a_time() -> None:
    """However long the song is, no more than a chunk is held."""
    network = PlainNetwork()
    pieces = separated(network, read, FRAMES, 0, FRAMES, 0.25, QUIET)
    assert next(pieces).shape[-1] <= network.chunk
    assert network.runs == 1


def test_the_weight_is_least_at_the_edges() -> None:
    weight = triangle(10)
    assert weight.max() == 1.0
    assert weight[0] == weight[-1] == weight.min() > 0.0
