"""What is sent: a window on the grid of 40 ms, the zone inside it, the song at most at full scale."""

import numpy as np
import pytest

from model.acestep.latent_grid import HOP
from model.acestep.weights.capabilities import TRACKS, ModelTask
from model.engine import Task
from model.errors import CannotRender
from model.remote.order import SEEDS, orders_of, sent_seed
from tests.model.remote.requests import request, song


def one(asked):
    ((order,), _) = orders_of(asked, TRACKS)
    return order


def test_the_zone_holds_region_and_rolls_on_the_grid():
    order = one(request(song(8, 44_100), 100_001, 150_000, handle=4_410))
    first, end = order.zone
    hop = 44_100 // 25
    assert order.window.origin + first * hop <= 100_001 - 4_410 < order.window.origin + (first + 1) * hop
    assert order.window.origin + (end - 1) * hop < 150_000 + 4_410 <= order.window.origin + end * hop
    assert order.sent.samples.shape == (order.window.frames * HOP, 2)


def test_a_second_of_song_is_kept_beside_the_zone_whatever_is_asked():
    order = one(request(song(30), 480_000, 960_000, context_seconds=0.0))
    assert order.zone[0] >= 25
    assert order.window.frames - order.zone[1] >= 25


def test_a_frame_is_spared_where_the_song_does_not_go_on():
    given = song(8)
    order = one(request(given, given.frames - 48_000, given.frames))
    assert order.zone[1] * HOP >= given.frames + HOP
    within = one(request(given, 48_000, 96_000))
    assert within.zone == (25, 50)


def test_a_loud_song_is_sent_at_full_scale():
    sent = one(request(song(6, loud=4.0), 100_000, 150_000)).sent
    assert sent.scale == pytest.approx(0.25)
    assert np.abs(sent.samples).max() == pytest.approx(1.0)


def test_a_stem_each_for_extract_and_lego_and_all_in_one_for_a_backing():
    given = song(6)
    every, _ = orders_of(request(given, 0, 48_000, Task.EXTRACT), TRACKS)
    assert tuple(order.stem for order in every) == TRACKS
    assert [
        order.stem for order in orders_of(request(given, 0, 48_000, Task.LEGO, stems=("bass",)), TRACKS)[0]
    ] == ["bass"]
    backing = one(request(given, 0, 48_000, Task.ACCOMPANY, stems=("piano", "drums")))
    assert (backing.stem, backing.tracks, backing.zone) == ("mix", ("piano", "drums"), None)


def test_a_new_song_sends_none():
    order = one(request(None, 0, 480_000, Task.GENERATE))
    assert (order.task, order.sent, order.zone) == (ModelTask.TEXT2MUSIC, None, None)
    assert order.seconds >= 10


def test_seeds_of_takes_differ_and_keep_31_bits():
    for seed in (0, 7, 2**40 + 1, 2**64 - 1):
        seeds = [sent_seed(seed, take) for take in range(1000)]
        assert len(set(seeds)) == 1000
        assert all(0 <= one < SEEDS for one in seeds)
    assert sent_seed(7, 0) == 7


def test_too_long_a_region_is_refused():
    with pytest.raises(CannotRender, match="600 s"):
        orders_of(request(None, 0, 700 * 48_000, Task.GENERATE), TRACKS)
