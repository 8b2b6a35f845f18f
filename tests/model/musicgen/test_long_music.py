"""Windows that follow one another: how they share out a take, what each goes on from, and that nothing jumps."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

pytest.importorskip("transformers", reason="MusicGen needs transformers: pip install takebridge[musicgen]")

import torch

from model.musicgen.long_music import long_music, overlap_frames
from model.musicgen.melody_network import WindowPlan
from model.musicgen.musicgen_settings import MusicgenSettings
from model.pace import Pace

FRAME = 16


@dataclass
class Counting:
    """Frame n of a take has the code n, and its audio is that number; `wrong` is added by each further window."""

    window_frames: int = 50
    frame: int = FRAME
    wrong: float = 0.0
    asked: list[WindowPlan] = field(default_factory=list)

    def generate(self, plan, settings, pace):
        first = 0 if plan.prompt is None else int(plan.prompt[0, 0])
        count = plan.frames + (0 if plan.prompt is None else plan.prompt.shape[1])
        assert count <= self.window_frames
        codes = torch.arange(first, first + count)[None]
        audio = np.repeat(codes[0].numpy(), self.frame)[:, None].astype(np.float32)
        pace.at("generating", 1.0)
        audio += self.wrong * len(self.asked)
        self.asked.append(plan)
        return codes, audio


def rendered(network: Counting, frames: int, before: int = 0) -> tuple[np.ndarray, list[float]]:
    told: list[float] = []
    prompt = torch.arange(before)[None] if before else None
    plan = WindowPlan("funk", None, prompt, frames, 1, 0, 0)
    pace = Pace(lambda update: told.append(update.fraction), lambda: False)
    music = long_music(network, plan, lambda at: torch.full((1,), float(at)), MusicgenSettings(), pace)
    return np.concatenate(list(music))[:, 0], told


@pytest.mark.parametrize("before", [0, 1, 20])
@pytest.mark.parametrize("frames", [1, 29, 30, 31, 50, 51, 80, 81, 400])
def test_every_frame_once_and_in_order(frames: int, before: int):
    network = Counting()
    found, told = rendered(network, frames, before)
    assert np.array_equal(found, np.repeat(np.arange(before + frames), FRAME))
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    assert len({plan.index for plan in network.asked}) == len(network.asked), (
        "each has random numbers of its own"
    )


def test_each_window_goes_on_from_the_one_before_and_hears_its_own_melody():
    network = Counting()
    rendered(network, 120, before=10)
    assert overlap_frames(network) == 20
    prompts = [plan.prompt[0].tolist() for plan in network.asked]
    assert prompts[0] == list(range(10))
    assert prompts[1] == list(range(30, 50))
    assert [float(plan.chroma[0]) for plan in network.asked] == [first[0] - 10 for first in prompts]


def test_where_windows_meet_a_difference_fades_in():
    found, _ = rendered(Counting(wrong=100.0), 70)
    steps = np.abs(np.diff(found))
    assert steps.max() <= 1 + 100 / (FRAME // 2)
    assert found[-1] == 169
