"""Compiled steps: when they are used, that they give the same numbers, and how often torch compiles.

Time is a table here: what compiling saves has to be measured on the machine that does it.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import Tensor

from model.acestep.device import compiled_steps
from model.acestep.device.compiled_steps import (
    COMPILED,
    FIRST_SECONDS,
    IN_PART,
    CompiledSteps,
    torch_compiler,
)
from model.acestep.networks.dit import RenderStep, RunLayer
from model.errors import RenderStopped
from tests.model.acestep.device.test_step_graphs import CASES, composed, prepared
from tests.model.acestep.tiny_models import TURBO, networks

NAME = "turbo.text2music"


class Clock:
    """Does the work. plain, compiled: seconds of a step. compiling: seconds of the first call at a length."""

    def __init__(
        self, plain: float = FIRST_SECONDS, compiled: float = 0.5 * FIRST_SECONDS, compiling: float = 4.0
    ) -> None:
        self.times = {"plain": plain, "compiling": compiling, "compiled": compiled}
        self.measured: list[str] = []

    def __call__(self, work: Callable[[], object]) -> float:
        work()
        after = {"": "plain", "plain": "compiling", "compiling": "compiled", "compiled": "plain"}
        self.measured.append(after[self.measured[-1] if self.measured else ""])
        return self.times[self.measured[-1]]


def as_it_is(run: RunLayer) -> RunLayer:
    return lambda *given: run(*given)


def compiling(
    clock: Clock | None = None, compiler: Callable[[RunLayer], RunLayer] = as_it_is
) -> tuple[CompiledSteps, list[str]]:
    told: list[str] = []
    return CompiledSteps(clock or Clock(), told.append, compiler), told


@pytest.mark.parametrize("name", CASES)
def test_a_render_is_compiled_from_its_first_call_to_its_last(name: str) -> None:
    plain, layers = composed(name), networks(TURBO).dit.config.layers
    run, ran = [0], [0]

    def counted(layer: RunLayer) -> RunLayer:
        def here(*given: Any) -> Tensor:
            ran[0] += 1
            return layer(*given)

        return here

    steps, told = compiling(compiler=counted)
    with prepared(networks(TURBO).dit, steps.chosen):
        composed(name)  # compiles
        steps.begin()
        before, run[0] = ran[0], 0
        assert torch.equal(composed(name), plain)
    assert steps.how == COMPILED
    assert not told
    assert (ran[0] - before) % layers == 0
    assert ran[0] > before


def step_of(frames: int = 8, words: int = 5) -> tuple[RenderStep, Tensor, Tensor]:
    """A step of the tiny network, with what it is called with."""
    dit, source = networks(TURBO).dit, torch.Generator().manual_seed(frames + words)
    channels, width = dit.config.latent_channels, dit.config.condition_width
    context = torch.randn(1, frames, 2 * channels, generator=source)
    with torch.no_grad():
        condition = dit.condition(torch.randn(1, words, width, generator=source))
    noisy = torch.randn(1, frames, channels, generator=source)
    return RenderStep(dit, context, condition, dit.plan(frames)), noisy, torch.full((1,), 0.5)


def ran(steps: CompiledSteps, calls: int = 8, **size: int) -> tuple[Tensor, Tensor]:
    """The first call of a render's only step, and a plain one."""
    steps.begin()
    step, noisy, time = step_of(**size)
    with torch.no_grad():
        return steps.chosen(step, calls)(noisy, time), step(noisy, time)


def raising(error: Exception) -> Callable[[RunLayer], RunLayer]:
    def compiler(_run: RunLayer) -> RunLayer:
        raise error

    return compiler


@pytest.mark.parametrize(
    ("clock", "compiler", "reason", "tried"),
    [
        (Clock(plain=FIRST_SECONDS / 4), as_it_is, "compiling takes longer than it would save", 1),
        (Clock(compiled=FIRST_SECONDS), as_it_is, "a compiled step is no faster", 3),
        (Clock(), lambda run: lambda *given: 1.01 * run(*given), "a compiled step gave other numbers", 2),
        (
            Clock(),
            lambda run: lambda *given: torch.nan * run(*given),
            "a compiled step gave other numbers",
            2,
        ),
        (Clock(), raising(RuntimeError("no C++ compiler")), "the compiler failed (RuntimeError)", 1),
        (Clock(), raising(ImportError("no triton")), "the compiler failed (ImportError)", 1),
        (Clock(), raising(KeyError("recompile_limit")), "the compiler failed (KeyError)", 1),
        (Clock(), raising(RuntimeError("CUDA out of memory")), "memory was short", 1),
    ],
    ids=["short work", "slow", "other", "no number", "broken", "missing", "older", "memory"],
)
def test_where_compiling_is_no_good_steps_stay_plain_and_each_render_tells(
    clock: Clock, compiler: Callable[[RunLayer], RunLayer], reason: str, tried: int
) -> None:
    steps, told = compiling(clock, compiler)
    for _ in range(2):
        found, plain = ran(steps, calls=4)
        assert torch.equal(found, plain)
        assert len(clock.measured) == tried or "memory" in reason
        clock.measured[tried:] = []
        steps._asked.clear()  # the second render is as short as the first
    assert not steps.how
    assert told == [f"The steps were not compiled: {reason}."] * 2


def test_what_was_asked_for_before_counts() -> None:
    """Producers render the same stretch again and again: once that has cost as much as compiling, it is compiled."""
    steps, told = compiling(Clock(FIRST_SECONDS / 10, FIRST_SECONDS / 20))
    used = []
    for _ in range(4):
        ran(steps, calls=8)
        used.append(bool(steps.how))
    assert used == [False, False, True, True]
    assert len(told) == 2


def test_the_next_length_is_judged_by_what_the_first_one_cost_and_saved() -> None:
    clock = Clock(plain=FIRST_SECONDS, compiled=0.9 * FIRST_SECONDS, compiling=FIRST_SECONDS)
    steps, _ = compiling(clock)
    ran(steps, calls=8)
    assert steps.how == COMPILED
    for calls, used in ((9, False), (2, True)):  # a tenth is saved: eleven calls pay for it
        ran(steps, calls=calls, frames=6)
        assert bool(steps.how) == used


def test_all_calls_of_a_render_count_before_its_first() -> None:
    """A cover has other words from some step on: both parts of it run alike."""
    steps, _ = compiling(Clock(FIRST_SECONDS / 10, FIRST_SECONDS / 20))
    step, noisy, time = step_of()
    early, late = steps.chosen(step, 15), steps.chosen(step, 15)
    with torch.no_grad():
        early(noisy, time)
    assert steps.how, "fifteen calls alone would not pay"
    with torch.no_grad():
        assert torch.equal(late(noisy, time), step(noisy, time))


def test_all_steps_of_a_render_are_compiled_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the words and with none: there is room for one of them only, at the second length."""
    monkeypatch.setattr(compiled_steps, "MOST_LENGTHS", 3)
    steps, told = compiling()
    for frames, how in ((8, COMPILED), (6, ""), (8, COMPILED)):
        steps.begin()
        sides = [step_of(frames, words) for words in (5, 1)]
        chosen = [steps.chosen(step, 8) for step, _, _ in sides]
        with torch.no_grad():
            for step, (_, noisy, time) in zip(chosen, sides, strict=True):
                step(noisy, time)
        assert steps.how == how
    assert told == ["The steps were not compiled: 3 lengths are compiled already."]


def test_a_step_that_fails_later_goes_on_plain_and_the_recipe_says_so() -> None:
    broken = list[Exception]()

    def compiler(run: RunLayer) -> RunLayer:
        def here(*given: Any) -> Tensor:
            if broken:
                raise broken[0]
            return run(*given)

        return here

    steps, told = compiling(compiler=compiler)
    step, noisy, time = step_of()
    chosen = steps.chosen(step, 8)
    with torch.no_grad():
        chosen(noisy, time)
        broken.append(AssertionError("no such guard"))
        for _ in range(2):
            assert torch.equal(chosen(noisy, time), step(noisy, time))
    assert steps.how == IN_PART
    assert told == ["The steps were not compiled: the compiler failed (AssertionError)."]
    ran(steps)
    assert steps.how == ""
    assert len(told) == 2, "it is not asked again"


def test_a_stop_takes_effect_between_what_is_measured() -> None:
    clock = Clock()
    steps, told = compiling(clock)
    steps.begin(lambda: len(clock.measured) == 2)
    step, noisy, time = step_of()
    with torch.no_grad(), pytest.raises(RenderStopped):
        steps.chosen(step, 8)(noisy, time)
    assert clock.measured == ["plain", "compiling"]
    assert told == []


def test_weights_in_8_bits_are_compiled_for_themselves() -> None:
    clock = Clock()
    steps, _ = compiling(clock)
    step, noisy, time = step_of()
    for int8 in (False, True, True):
        steps.begin()
        with torch.no_grad():
            steps.chosen(step, 8, int8)(noisy, time)
    assert clock.measured.count("compiling") == 2


def test_lengths_are_compiled_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_steps, "MOST_LENGTHS", 2)
    steps, told = compiling()
    for frames in (4, 6, 8, 4):
        ran(steps, frames=frames)
        assert bool(steps.how) == (frames < 8)
    assert told == ["The steps were not compiled: 2 lengths are compiled already."]


def test_torch_compiles_a_kind_of_layer_once_for_a_length_and_any_number_of_words() -> None:
    """Without a compiler's back end: torch's own analysis decides when to compile again."""
    graphs: list[int] = []

    def backend(graph: torch.fx.GraphModule, _inputs: list[Tensor]) -> Callable[..., Any]:
        graphs.append(len(graphs))
        return graph.forward

    steps, told = compiling(compiler=lambda run: torch.compile(run, dynamic=False, backend=backend))
    counts = []
    for size in ({}, {"words": 9}, {"words": 1}, {"frames": 30}, {"frames": 30, "words": 7}, {}):
        found, plain = ran(steps, **size)
        assert torch.allclose(found, plain, atol=1e-5)
        counts.append(len(graphs))
    assert not told
    assert counts == [1, 1, 2, 4, 4, 4], "a long window has sliding layers too"
    torch._dynamo.reset()


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("g++") is None, reason="torch compiles with g++ on a processor"
)
def test_a_compiled_step_is_a_plain_one_but_for_rounding() -> None:
    steps, told = compiling(compiler=torch_compiler)
    found, plain = ran(steps)
    assert told == []
    assert steps.how == COMPILED
    assert (found - plain).abs().max() <= 1e-5
    torch._dynamo.reset()
