"""Alignments and scores against the official application's, on attention that was made for it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip(
    "safetensors", reason="the stored numbers need safetensors: pip install takebridge[acestep]"
)

from model.acestep.lyrics.alignment import aligned, cheapest_path, energy_of, followed, frames_of
from model.errors import RenderStopped
from tests.model.acestep.golden_data import table, tensors

CASES = ("clean", "late", "noisy", "backwards", "some_heads_missing")


def heads_of(case: str) -> list[np.ndarray]:
    """The matrices [tokens, frames] of the heads the case names; those that do not exist are left out."""
    attention = tensors("lyric_times")[f"{case}.attention"].numpy()
    named = [
        (int(layer), head) for layer, heads in table("lyric_times")[case]["heads"].items() for head in heads
    ]
    layers, heads, *_ = attention.shape
    return [attention[layer, head] for layer, head in named if layer < layers and head < heads]


@pytest.mark.parametrize("case", CASES)
def test_alignment_path_and_times_are_the_official_programs(case: str) -> None:
    golden, about = tensors("lyric_times"), table("lyric_times")[case]
    found = aligned(heads_of(case))
    assert np.abs(found.matrix - golden[f"{case}.alignment"].numpy()).max() <= 1e-5
    path = cheapest_path(-found.matrix)
    assert np.array_equal(path, golden[f"{case}.path"].numpy())
    times = frames_of(path) * about["duration"] / found.matrix.shape[1]
    assert np.abs(times - golden[f"{case}.token_times"].numpy()).max() <= 1e-5


@pytest.mark.parametrize("case", CASES)
def test_scores_are_the_official_programs(case: str) -> None:
    golden, about = tensors("lyric_times"), table("lyric_times")[case]
    energy = energy_of(heads_of(case))
    assert np.abs(energy - golden[f"{case}.score_energy"].numpy()).max() <= 1e-6
    assert np.array_equal(cheapest_path(-np.square(energy)), golden[f"{case}.score_path"].numpy())
    found = followed(energy, np.array(about["token_type_mask"], np.bool_))
    for name in ("coverage", "monotonicity", "confidence", "score"):
        assert getattr(found, name) == pytest.approx(about[name], abs=1e-4)


def test_scores_of_a_transformers_own_attention() -> None:
    """At the last time, and from noise alone: how well the condition by itself settles when what is sung."""
    golden, about = tensors("lyric_times"), table("lyric_times")["dit"]
    sung = np.array(table("lyric_times")["clean"]["token_type_mask"], np.bool_)
    rows = slice(about["header_tokens"], about["header_tokens"] + len(sung))
    for attention, name in (("attention", "dit_score"), ("attention_pure_noise", "lm_score")):
        whole = golden[f"dit.{attention}"].numpy()
        heads = [whole[int(layer), head].T[rows] for layer, named in about["heads"].items() for head in named]
        assert followed(energy_of(heads), sung).score == pytest.approx(about[name], abs=1e-4)


def test_one_head_is_enough_and_flat_attention_shows_nothing() -> None:
    (one, *_) = heads_of("clean")
    assert aligned([one]).stands_out.mean() > 0.9
    flat = np.full((5, 20), 0.01, np.float32)
    assert not aligned([flat]).stands_out.any()
    assert followed(energy_of([flat]), np.ones(5, np.bool_)).score == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (30, 4)])
def test_paths_of_any_shape_reach_both_ends(shape: tuple[int, int]) -> None:
    path = cheapest_path(np.random.default_rng(1).random(shape, np.float32))
    assert path[0].tolist() == [0, 0]
    assert path[-1].tolist() == [shape[0] - 1, shape[1] - 1]
    assert set(map(tuple, np.diff(path, axis=0))) <= {(0, 1), (1, 0), (1, 1)}
    assert frames_of(path).shape == (shape[0], 2)


def test_a_long_alignment_can_be_stopped() -> None:
    def stop() -> None:
        raise RenderStopped

    with pytest.raises(RenderStopped):
        cheapest_path(np.zeros((50, 200), np.float32), stop)
