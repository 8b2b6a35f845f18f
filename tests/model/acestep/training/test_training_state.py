"""The curve of a training: its best check, and when nothing better comes any more. Files: see test_trainer."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from model.acestep.training.training_state import Curve


def test_the_first_of_equal_checks_is_the_best() -> None:
    assert Curve().best is None
    assert Curve([], [(10, 2.0), (20, 1.0), (30, 1.0)]).best == (20, 1.0)


def test_a_training_is_over_when_the_last_checks_brought_nothing_better() -> None:
    falling = Curve([], [(10, 3.0), (20, 2.0), (30, 1.0)])
    flat = Curve([], [(10, 3.0), (20, 1.0), (30, 2.0), (40, 1.0)])
    assert not Curve().is_over(2)
    assert not falling.is_over(2)
    assert not flat.is_over(3)
    assert flat.is_over(2)
    assert flat.is_over(1)
