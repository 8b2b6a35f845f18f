"""Half and quarter rate and back: no delay, no seam between pieces."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.separation import resampled
from model.sketch.separation.resampled import at_full_rate, at_lower_rate, rate_factor


def quiet() -> None:
    """A tick nobody listens to."""


@pytest.mark.parametrize(
    ("rate", "factor"), [(44100, 1), (48000, 1), (88200, 2), (96000, 2), (176400, 4), (192000, 4), (50001, 1)]
)
def test_factor(rate: int, factor: int) -> None:
    assert rate_factor(rate, 50000) == factor


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_there_and_back_is_the_same_sound_in_place(factor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampled, "PIECE", 1 << 13)  # several pieces in a short sound
    frames = 60_001
    time = np.arange(frames) / 192000
    sound = np.stack([np.sin(2 * np.pi * 997 * time), np.cos(2 * np.pi * 5003 * time)], axis=1).astype(
        np.float32
    )
    low = at_lower_rate(sound, factor, quiet)
    assert len(low) == -(-frames // factor)
    back = at_full_rate(low, factor, frames, quiet)
    assert back.shape == sound.shape
    assert np.abs(back - sound)[500:-500].max() < 5e-3
