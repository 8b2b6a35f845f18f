"""The loop of an edit: its window, its noises, and songs that stay what they are. Whole edits: test_song_edit.py."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import Tensor

from model.acestep.sampling.flow_edit import FlowEdit, edited
from model.acestep.sampling.samplers import SamplerSettings, Sampling
from model.acestep.sampling.schedules import base_times
from model.errors import RenderStopped

TIMES = base_times(8, 3.0)
SONG = torch.linspace(-1, 1, 2 * 5 * 4).reshape(2, 5, 4)
PLAIN = SamplerSettings(Sampling.BASE)


class Slope:
    """A velocity that is a multiple of the latents."""

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.calls: list[float] = []
        self.steps = 0

    def __call__(self, latents: Tensor, time: float) -> Tensor:
        self.calls.append(time)
        return self.factor * latents

    def end_step(self) -> None:
        self.steps += 1


def noise(number: int) -> Tensor:
    return torch.randn(SONG.shape, generator=torch.Generator().manual_seed(number))


def run(edit: FlowEdit, before: Slope, after: Slope) -> tuple[Tensor, list[int]]:
    used: list[int] = []

    def drawn(number: int) -> Tensor:
        used.append(number)
        return noise(number)

    return edited(before, after, SONG, drawn, TIMES, PLAIN, edit), used


@pytest.mark.parametrize(
    ("edit", "window", "noises"),
    [
        (FlowEdit(), (0, 8), 8),
        (FlowEdit(0.25, 0.75, 2), (2, 6), 9),
        (FlowEdit(0.3, 0.7), (2, 5), 4),
        (FlowEdit(0.5, 0.5), (4, 4), 1),
        (FlowEdit(1.0, 1.0), (8, 8), 0),
    ],
)
def test_the_window_and_its_noises(edit: FlowEdit, window: tuple[int, int], noises: int) -> None:
    assert edit.window(8) == window
    before, after = Slope(0.5), Slope(0.4)
    _, used = run(edit, before, after)
    assert used == list(range(noises))
    first, end = window
    tail = 0 if end == 8 or first == 8 else 8 - end
    assert (before.steps, after.steps) == (end - first, end - first + tail)
    assert len(before.calls) == (end - first) * edit.draws


def test_equal_words_leave_the_song_as_it_is() -> None:
    found, _ = run(FlowEdit(draws=2), Slope(0.5), Slope(0.5))
    assert torch.allclose(found, SONG, atol=1e-6)


def test_an_empty_window_at_the_end_returns_the_song() -> None:
    found, _ = run(FlowEdit(1.0, 1.0), Slope(0.5), Slope(9.0))
    assert torch.equal(found, SONG)


@pytest.mark.parametrize("wrong", [(-0.1, 1.0, 1), (0.5, 0.4, 1), (0.0, 1.1, 1), (0.0, 1.0, 0)])
def test_impossible_windows_are_refused(wrong: tuple[float, float, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        FlowEdit(*wrong)


def test_a_stop_takes_effect_between_network_calls() -> None:
    before, after = Slope(0.5), Slope(0.4)
    with pytest.raises(RenderStopped):
        edited(
            before, after, SONG, noise, TIMES, PLAIN, FlowEdit(), should_stop=lambda: len(before.calls) == 3
        )
    assert (len(before.calls), len(after.calls)) == (3, 2)
