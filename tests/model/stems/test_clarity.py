"""The figure that says how much of a stem may be bleed."""

from __future__ import annotations

import numpy as np
import pytest

from model.stems.clarity import Clarity

RATE = 22_050
TIME = np.arange(RATE)[:, None] / RATE


def tone(hertz: float, level: float = 0.3) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hertz * TIME)).astype(np.float32)


def clarity(**stems: np.ndarray) -> Clarity:
    found = Clarity(RATE)
    for first in range(0, RATE, 5_000):
        found.add({name: samples[first : first + 5_000] for name, samples in stems.items()}, lambda: None)
    return found


def test_stems_apart_from_each_other_are_clear() -> None:
    found = clarity(bass=tone(100.0), vocals=tone(2_000.0))
    assert found.of("bass") > 0.95
    assert found.of("vocals") > 0.95


def test_stems_that_share_every_cell_are_not() -> None:
    assert clarity(bass=tone(300.0), vocals=tone(300.0)).of("bass") == pytest.approx(0.5, abs=0.01)


def test_what_is_weaker_everywhere_is_mostly_bleed() -> None:
    found = clarity(drums=tone(300.0, 0.3), vocals=tone(300.0, 0.03))
    assert found.of("vocals") < 0.15
    assert found.of("drums") > 0.85


def test_a_silent_stem_is_not_clear() -> None:
    assert clarity(bass=tone(100.0), vocals=np.zeros_like(TIME, np.float32)).of("vocals") == 0.0
    assert Clarity(RATE).of("vocals") == 0.0


def test_it_can_be_cancelled() -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        Clarity(RATE).add({"bass": tone(100.0)}, stop)
