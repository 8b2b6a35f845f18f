"""The band played: level, blocks, stems that sum to the mix."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest

from model.engine import RenderRequest, Task
from model.pace import Pace
from model.sketch.band.arranger import Event
from model.sketch.band.performance import Block, Performance
from model.sketch.band.presets import BALLAD, POP
from tests.model.sketch.singing_machine import make_grid

RATE = 32000
GRID = make_grid(6, 4, 120)
EVENTS = [
    event
    for beat in range(4, 24)
    for event in (
        Event("drums", "kick", 0, float(beat), 0.25, 0.9),
        Event("bass", "bass", 40, beat + 0.5, 0.4, 0.8),
        Event("keys", "electric piano", 64, float(beat), 0.9, 0.7, -0.25),
        Event("pad", "pad", 67, float(beat), 0.9, 0.7),
    )
]


def pace():
    return Pace(lambda _: None, lambda: False)


def performance(channels=2, handle=0, preset=POP, start=0, end=10 * RATE, tuning=0.0):
    request = RenderRequest(Task.ACCOMPANY, None, RATE, channels, start, end, GRID, seed=1, handle=handle)
    return Performance(request, preset, ("drums", "bass", "keys", "pad"), EVENTS, tuning)


def rendered(band, lufs=-20.0):
    band.set_level(lufs, pace())
    blocks = [block for _, block in band.blocks(pace())]
    return blocks, np.concatenate([block.mix for block in blocks])


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("preset", [POP, BALLAD], ids=["pop", "ballad"])
def test_the_band_is_as_loud_as_wanted_and_its_stems_sum_to_it(channels, preset):
    blocks, mix = rendered(performance(channels, preset=preset))
    assert mix.shape == (10 * RATE, channels)
    assert mix.dtype == np.float32
    for block in blocks:
        assert np.abs(sum(block.stems.values()) - block.mix).max() <= 1e-6
    if channels == 2:
        assert pyloudnorm.Meter(RATE).integrated_loudness(mix) == pytest.approx(-20.0, abs=0.2)


def test_loud_is_held_below_the_ceiling():
    blocks, mix = rendered(performance(), lufs=-5.0)
    assert np.abs(mix).max() < 10 ** (-1 / 20)
    assert max(np.abs(sum(block.stems.values()) - block.mix).max() for block in blocks) <= 1e-6


def test_blocks_follow_each_other_and_onsets_are_on_their_frames():
    blocks, _mix = rendered(performance())
    position = 0
    for block in blocks:
        assert block.start == position
        position += len(block.mix)
    drums = np.abs(np.concatenate([block.stems["drums"] for block in blocks])).max(axis=1)
    for beat in range(20):
        at = round(beat * 0.5 * RATE)
        assert drums[at : at + 160].max() > 20 * max(drums[max(0, at - 200) : at].max(initial=0.0), 1e-3)


def test_a_part_of_the_region_sounds_as_it_does_in_the_whole():
    """Notes that began before the region go on in it; only the room's memory of them is missing."""
    whole = rendered(performance())[1]
    band = performance(start=4 * RATE, end=9 * RATE)
    band.set_level(-20.0, pace())
    part = np.concatenate([block.mix for _, block in band.blocks(pace())])
    inside, there = part[2 * RATE : 4 * RATE], whole[6 * RATE : 8 * RATE]
    gain = np.sum(inside * there) / np.sum(there**2)
    assert np.corrcoef(inside[:, 0], there[:, 0])[0, 1] > 0.999
    assert 0.8 < gain < 1.25


def test_handles_extend_both_ways():
    blocks, mix = rendered(performance(handle=1000, start=RATE, end=3 * RATE))
    assert blocks[0].start == RATE - 1000
    assert len(mix) == 2 * RATE + 2000


def test_the_band_tunes_to_the_singer():
    def strongest(tuning):
        band = performance(tuning=tuning)
        band.set_level(-20.0, pace())
        keys = np.concatenate([block.stems["keys"] for _, block in band.blocks(pace())]).mean(axis=1)
        spectrum = np.abs(np.fft.rfft(keys * np.hanning(len(keys)), 2**20))
        hz = np.fft.rfftfreq(2**20, 1 / RATE)
        near = (hz > 300) & (hz < 360)
        return hz[near][spectrum[near].argmax()]

    assert 1200 * np.log2(strongest(0.3) / strongest(0.0)) == pytest.approx(30, abs=4)


def test_it_ends_without_a_click():
    _, mix = rendered(performance(end=round(3.01 * RATE)))
    assert np.abs(mix[-3:]).max() < 0.01


def test_a_block_is_cut_to_a_region():
    block = Block(100, np.ones((50, 1), np.float32), {"bass": np.ones((50, 1), np.float32)})
    inside = block.within(120, 130)
    assert (inside.start, len(inside.mix), len(inside.stems["bass"])) == (120, 10, 10)
    assert block.within(150, 200) is None
    assert block.within(0, 100) is None
