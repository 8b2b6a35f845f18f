"""What of decoded audio is handed over."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import numpy as np

from model.acestep.delivered import HANDLES, MIX, RESIDUAL, Delivered
from model.engine import Task
from tests.model.acestep.test_renderer import request


def test_a_mix_is_cut_to_the_region_with_all_of_it_as_handles() -> None:
    asked = request(handle=100)
    samples = np.full((asked.length + 200, 2), 0.5, np.float32)
    samples[0] = 0.9  # before the region, which does not count as its peak
    delivered = Delivered(asked)
    wide, inside = delivered.pieces(MIX, asked.start - 100, samples)
    assert (wide.stem, wide.start, len(wide.samples)) == (HANDLES, asked.start - 100, len(samples))
    assert (inside.stem, inside.start, len(inside.samples)) == (MIX, asked.start, asked.length)
    assert delivered.peak == 0.5
    assert [piece.stem for piece in delivered.pieces(MIX, asked.end, samples[:10])] == [HANDLES]
    assert list(delivered.residual()) == []


def test_stems_and_what_is_left_add_up_to_the_song() -> None:
    asked = request(Task.EXTRACT, stems=("drums",))
    assert asked.song is not None
    delivered = Delivered(asked)
    stem = np.full((asked.length, 2), 0.25, np.float32)
    (piece,) = delivered.pieces("drums", asked.start, stem)
    (rest,) = delivered.residual()
    assert (rest.stem, rest.start) == (RESIDUAL, asked.start)
    total = piece.samples.astype(np.float64) + rest.samples
    assert np.abs(total - asked.song.samples[asked.start : asked.end]).max() < 1e-6
