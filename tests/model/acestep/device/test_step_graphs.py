"""Steps as graphs, with a recorder that works as a card's: into the same memory each time, from the same memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import Tensor

from model.acestep import pipeline
from model.acestep.device import step_graphs
from model.acestep.device.step_graphs import StepGraphs, Work, seconds_on
from model.acestep.networks.dit import Dit, Prepare, Step
from model.acestep.sampling.samplers import Solver
from model.acestep.song_edit import compose_edit
from model.errors import DeviceUnusable, RenderStopped
from tests.model.acestep import test_pipeline as renders
from tests.model.acestep import test_song_edit as edits
from tests.model.acestep.tiny_models import TURBO, networks

CASES = (
    "turbo.text2music",
    "turbo.dpm3m",
    "turbo.text2music_heun_clamp_ema_dcw",
    "turbo.cover_strength0.5",
    "base.text2music_apg",
    "base.text2music_interval",
)
LOOKS_BACK = {"turbo.dpm3m": renders.words(renders.turbo(solver=Solver.DPM3M))}
"""A solver that keeps what earlier steps gave."""


class Recorder:
    """Repeats work on the processor. took: seconds that recording, a plain step and a replay seem to take."""

    def __init__(self, took: tuple[float, float, float] = (1.0, 2.0, 0.5)) -> None:
        self.replays = self.measured = 0
        self._took = took

    def capture(self, work: Work) -> Work:
        found = work()

        def replay() -> Tensor:
            self.replays += 1
            return found.copy_(work())

        return replay

    def seconds(self, work: Callable[[], object]) -> float:
        work()
        self.measured += 1
        return self._took[(self.measured - 1) % 3]


@contextmanager
def prepared(dit: Dit, prepare: Prepare) -> Iterator[Dit]:
    dit.prepare = prepare  # type: ignore[assignment]
    try:
        yield dit
    finally:
        del dit.prepare


def composed(name: str) -> Tensor:
    settings, shown = (renders.CASES | LOOKS_BACK)[name][1], renders.scene("turbo.text2music")
    if name in renders.CASES:
        shown = renders.scene(name)
    return pipeline.compose(
        networks(TURBO).dit, shown, renders.conditions(), settings, renders.noises(settings)
    )


@pytest.mark.parametrize("name", CASES)
def test_a_render_with_graphs_has_the_bits_of_a_plain_one(name: str) -> None:
    plain, recorder, refused = composed(name), Recorder(), list[str]()
    graphs = StepGraphs(recorder, refused.append)
    with prepared(networks(TURBO).dit, graphs.captured):
        assert torch.equal(composed(name), plain)
    assert recorder.replays > 3
    assert graphs.used
    assert not refused


def test_an_edit_with_graphs_has_the_bits_of_a_plain_one() -> None:
    name, case = next(each for each in edits.CASES.items() if each[1]["batch"] == 1)
    drawn, recorder, refused = edits.GOLDEN["inputs.noises"], Recorder(), list[str]()

    def edited() -> Tensor:
        shown, (before, after) = edits.scene_of(name, case), edits.both(case)
        settings = edits.settings_of(case)
        return compose_edit(edits.loaded(case).dit, shown, before, after, settings, drawn.__getitem__)

    plain = edited()
    with prepared(edits.loaded(case).dit, StepGraphs(recorder, refused.append).captured):
        assert torch.equal(edited(), plain)
    assert recorder.replays
    assert not refused


@pytest.mark.parametrize("name", CASES)
def test_a_render_tells_about_how_many_calls_come(name: str) -> None:
    """At most as many too many as there are steps without a second evaluation or without guidance."""
    told, called = list[int](), list[int]()

    def counted(step: Step, calls: int) -> Step:
        at = len(told)
        told.append(calls)
        called.append(0)

        def here(noisy: Tensor, time: Tensor) -> Tensor:
            called[at] += 1
            return step(noisy, time)

        return here

    with prepared(networks(TURBO).dit, counted):
        composed(name)
    assert sum(told) > 3
    assert all(came <= expected <= came + 1 for came, expected in zip(called, told, strict=True)), (
        told,
        called,
    )


class Refusing(Recorder):
    def __init__(self, error: str) -> None:
        super().__init__()
        self._error = error

    def capture(self, work: Work) -> Work:
        raise RuntimeError(self._error)


class Differing(Recorder):
    def capture(self, work: Work) -> Work:
        replay = super().capture(work)
        return lambda: replay() + 1e-6


@pytest.mark.parametrize(
    ("recorder", "reason"),
    [
        (Refusing("operation not permitted when stream is capturing"), "could not capture"),
        (Refusing("CUDA out of memory"), "memory was short"),
        (Differing(), "other numbers"),
        (Recorder((1.0, 2.0, 2.0 - 0.99 / 7)), "longer than it saves"),
    ],
    ids=["refused", "memory", "other", "slow"],
)
def test_where_a_graph_is_no_good_steps_stay_plain_and_every_render_is_told(
    recorder: Recorder, reason: str
) -> None:
    plain, refused = composed("turbo.text2music"), list[str]()
    graphs = StepGraphs(recorder, refused.append)
    with prepared(networks(TURBO).dit, graphs.captured):
        for _ in range(2):
            assert torch.equal(composed("turbo.text2music"), plain)
    assert not graphs.used
    assert len(refused) == 2
    assert all(reason in each for each in refused)
    assert recorder.replays <= 2


class Allocator:
    """torch's own: while it believes that a recording goes on, it gives no memory back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ends: bool) -> None:
        self.recording = True
        self._ends = ends
        monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", self.end, raising=False)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
        monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
        monkeypatch.setattr(torch.cuda, "empty_cache", self.empty)

    def pool(self) -> tuple[int, int]:
        return 0, 1

    def end(self, _device: int, _pool: tuple[int, int]) -> None:
        if not self._ends:
            raise RuntimeError("endAllocatePool: not currently recording to mempool_id")
        self.recording = False

    def empty(self) -> None:
        if self.recording:
            raise RuntimeError("captures_underway.empty() INTERNAL ASSERT FAILED")


def test_a_recording_that_failed_is_ended_or_the_process_is_of_no_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step_graphs._end_recording(Allocator(monkeypatch, ends=True))
    with pytest.raises(DeviceUnusable, match="cannot use it any more"):
        step_graphs._end_recording(Allocator(monkeypatch, ends=False))


def test_time_is_measured_once_for_a_size() -> None:
    recorder = Recorder()
    with prepared(networks(TURBO).dit, StepGraphs(recorder, lambda _: None).captured):
        composed("turbo.text2music")
        assert recorder.measured == 3
        composed("turbo.text2music")
    assert recorder.measured == 4, "only recording is done anew"
    assert recorder.replays > 10


@pytest.mark.parametrize(("calls", "pays"), [(9, True), (8, False)])
def test_a_graph_is_judged_by_the_calls_that_come(calls: int, pays: bool) -> None:
    """After the first, each of them saves an eighth of what recording took, or a little more."""
    recorder = Recorder((1.0, 2.0, 2.0 - 1 / 7.5))
    graphs = StepGraphs(recorder, lambda _: None)
    step = graphs.captured(lambda x, t: x * t, calls)
    for _ in range(calls):
        step(torch.randn(1, 4, 3), torch.ones(1))
    assert graphs.used == pays


@pytest.mark.parametrize("at", range(5))
def test_a_cancel_is_heard_before_each_step_that_is_tried(at: int) -> None:
    """Recording, replaying, comparing, and two to measure."""
    recorder, done, asked = Recorder(), list[str](), list[int]()

    def counted(noisy: Tensor, time: Tensor) -> Tensor:
        done.append("step")
        return noisy * time

    def should_stop() -> bool:
        asked.append(len(done))
        return len(asked) > at

    graphs = StepGraphs(recorder, lambda _: None)
    graphs.begin(should_stop)
    step = graphs.captured(counted, 9)
    step(torch.randn(1, 4, 3), torch.ones(1))
    with pytest.raises(RenderStopped):
        step(torch.randn(1, 4, 3), torch.ones(1))
    assert len(asked) == at + 1
    assert len(done) == asked[-1], "nothing more was computed"
    graphs.begin()
    recorder.measured = 0
    step = graphs.captured(counted, 9)
    for _ in range(9):
        step(torch.randn(1, 4, 3), torch.ones(1))
    assert graphs.used, "a render that was stopped leaves nothing behind"


def test_a_graph_that_paid_for_a_long_render_is_not_recorded_for_a_short_one() -> None:
    recorder, refused = Recorder((1.0, 2.0, 1.0)), list[str]()
    graphs = StepGraphs(recorder, refused.append)
    noisy, time = torch.randn(1, 4, 3), torch.ones(1)
    for calls in (8, 2):
        step = graphs.captured(lambda x, t: x * t, calls)
        for _ in range(calls):
            step(noisy, time)
    assert recorder.measured == 3, "nothing was recorded for the second"
    assert refused == ["The steps were not run as a graph: recording the graph takes longer than it saves."]


def test_a_processor_is_timed_too() -> None:
    assert 0 < seconds_on(torch.device("cpu"), lambda: sum(range(10_000))) < 60
