"""The pieces of a take: exactly the region, the rolls beside it, and what an extract leaves."""

import numpy as np
import pytest

from model.acestep.latent_grid import HOP
from model.acestep.weights.capabilities import TRACKS
from model.engine import Task
from model.errors import RenderStopped
from model.pace import Pace
from model.remote.delivery import Delivery
from model.remote.order import orders_of
from tests.model.remote.requests import request, song

GOING_ON = Pace(lambda _: None, lambda: False)


@pytest.mark.parametrize("rate", [44_100, 48_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_region_and_rolls_to_the_sample(rate, channels):
    asked = request(song(7, rate, channels), rate + 7, 3 * rate + 1, handle=rate // 7)
    ((order,), _) = orders_of(asked, TRACKS)
    whole = np.random.default_rng(1).uniform(-0.1, 0.1, (order.window.frames * HOP, 2)).astype(np.float32)
    found = list(Delivery(asked, GOING_ON).pieces(order, whole))
    for stem, start, length in (
        ("mix", rate + 7, 2 * rate - 6),
        ("handles", rate + 7 - rate // 7, 2 * rate - 6 + 2 * (rate // 7)),
    ):
        parts = [piece for piece in found if piece.stem == stem]
        assert parts[0].start == start
        assert sum(len(piece.samples) for piece in parts) == length
        assert {piece.samples.shape[1] for piece in parts} == {channels}


def test_what_is_left_of_an_extract():
    given = song(7)
    asked = request(given, 48_000, 96_001, Task.EXTRACT, stems=("vocals", "bass"))
    orders, _ = orders_of(asked, TRACKS)
    delivery, total = Delivery(asked, GOING_ON), np.zeros((48_001, 2))
    for number, order in enumerate(orders):
        whole = (
            np.random.default_rng(number)
            .uniform(-0.1, 0.1, (order.window.frames * HOP, 2))
            .astype(np.float32)
        )
        for piece in delivery.pieces(order, whole):
            at = piece.start - 48_000
            total[at : at + len(piece.samples)] += piece.samples
    (rest,) = delivery.residual()
    assert rest.stem == "residual"
    assert np.abs(total + rest.samples - given.samples[48_000:96_001]).max() < 1e-6


def test_it_can_be_cancelled():
    asked = request(song(7), 48_000, 96_001)
    ((order,), _) = orders_of(asked, TRACKS)
    with pytest.raises(RenderStopped):
        list(Delivery(asked, Pace(lambda _: None, lambda: True)).pieces(order, order.sent.samples))
