"""The picture of a loss: of any length, whatever the numbers."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from bridge_server.training.loss_plot import CHECK, HEIGHT, WIDTH, averaged, loss_picture


def picture(losses: list[float], checks: list[tuple[int, float]]) -> Image.Image:
    return Image.open(io.BytesIO(loss_picture("my_sound: loss", 100, losses, checks))).convert("RGB")


def test_the_average_starts_at_the_first_loss_and_keeps_a_constant() -> None:
    assert averaged([]) == []
    assert averaged([2.0, 2.0, 2.0]) == pytest.approx([2.0, 2.0, 2.0])
    assert averaged([4.0, 2.0]) == pytest.approx([4.0, (0.09 * 4 + 0.1 * 2) / 0.19])


@pytest.mark.parametrize(
    "losses", [[], [1.0], [1.0, 1.0], [3.0, float("nan"), 1.0], [float("inf")], [1e9, 1.0] * 50]
)
def test_any_losses_can_be_drawn(losses: list[float]) -> None:
    assert picture([loss for loss in losses if loss == loss], []).size == (WIDTH, HEIGHT)


def test_the_best_check_is_marked_where_it_is() -> None:
    shown = picture([2.0 - step / 100 for step in range(100)], [(50, 1.2), (100, 1.6)])
    of_check = (np.asarray(shown)[60 : HEIGHT - 70] == CHECK).all(axis=2)
    across = np.flatnonzero(of_check.sum(axis=0) >= 13).tolist()
    middle = 90 + (WIDTH - 120) * 49 / 99
    assert across
    assert min(across) - 3 <= middle <= max(across) + 3
