"""Takes in one pass: batches are cut by the numbers of takes alone, and a take of one is the take by itself.

On a processor batches gain nothing, but they are computed as on a card.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)

from torch import Tensor

from daw_protocol.requests.render import MAX_TAKES
from model.acestep.batches import Batch, batches_of
from model.acestep.delivered_pieces import MIX, RESIDUAL
from model.acestep.engine import MOST_TAKES, AceStepEngine, EngineConfig
from model.acestep.networks.dit import Dit
from model.acestep.sampling.option_help import PLANNER
from model.blueprint import Blueprint
from model.engine import (
    Attachment,
    Piece,
    Progress,
    Rendered,
    RenderRequest,
    Report,
    SongWords,
    Task,
)
from model.errors import RenderStopped
from tests.model.acestep.test_engine import FEW, engine_of, rendered, request, stem, with_planner

ROUNDING = 1e-5
"""Of full scale: how far a take of a batch may be from the same take by itself."""


@pytest.mark.parametrize(
    ("takes", "in_all", "size", "batches"),
    [
        ((0,), 1, 4, [Batch((0,), (0,))]),
        ((0, 1, 2), 3, 4, [Batch((0, 1, 2), (0, 1, 2))]),
        ((0, 1, 2, 3), 6, 4, [Batch((0, 1, 2, 3), (0, 1, 2, 3))]),
        ((4, 5), 6, 4, [Batch((4, 5), (4, 5))]),
        ((1, 5), 6, 4, [Batch((0, 1, 2, 3), (1,)), Batch((4, 5), (5,))]),
        ((2, 5), 0, 4, [Batch((2, 5), (2, 5))]),
        ((0, 2), 3, 1, [Batch((0,), (0,)), Batch((2,), (2,))]),
    ],
)
def test_a_take_is_in_the_same_batch_whichever_others_are_wanted(
    takes: tuple[int, ...], in_all: int, size: int, batches: list[Batch]
) -> None:
    assert list(batches_of(takes, in_all, size)) == batches


def test_where_memory_is_short_a_batch_is_split_and_what_is_not_wanted_left_out() -> None:
    whole = Batch((0, 1, 2, 3), (1, 3))
    assert whole.split(4) == (whole,)
    assert whole.split(2) == (Batch((0, 1), (1,)), Batch((2, 3), (3,)))
    assert whole.split(1) == (Batch((1,), (1,)), Batch((3,), (3,)))


@pytest.fixture(scope="module")
def engine(tiny_models: Path) -> Iterator[AceStepEngine]:
    """Computes takes one by one."""
    made = engine_of(tiny_models)
    yield made
    made.unload()


@pytest.fixture(scope="module")
def batching(tiny_models: Path) -> Iterator[AceStepEngine]:
    """Computes up to three takes in one pass."""
    made = engine_of(tiny_models, batch_size=3)
    yield made
    made.unload()


def mixes(found: list[Rendered], asked: RenderRequest, name: str = MIX) -> dict[int, NDArray[np.float32]]:
    """A stem of every take."""
    return {
        take: stem([each for each in found if each.take == take], name, asked.start) for take in asked.takes
    }


BATCHED = {
    "repaint": request(),
    "noise at each step": request(options={**FEW, "method": "sde"}),
    "new song": request(Task.GENERATE),
    "edit": request(Task.COVER, caption="cold glass", edit=SongWords("warm tape")),
    "guided": request(options={"steps": 2, "checkpoint": "base", "guidance": 4.0}),
}


@pytest.mark.parametrize("name", BATCHED)
def test_a_take_of_a_batch_is_the_take_by_itself_but_for_rounding(
    engine: AceStepEngine, batching: AceStepEngine, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = replace(BATCHED[name], takes=(0, 1, 2, 3), takes_in_all=4)
    rows, computed = list[int](), Dit.forward

    def counted(self: Dit, noisy: Tensor, *given: Any, **more: Any) -> Tensor:
        rows.append(len(noisy))
        return computed(self, noisy, *given, **more)

    monkeypatch.setattr(Dit, "forward", counted)
    found = rendered(batching, asked)
    assert rows == sorted(rows, reverse=True)
    assert rows.count(3) == rows.count(1), "the fourth take is a batch of its own"
    together = mixes(found, asked)
    for take, alone in mixes(rendered(engine, asked), asked).items():
        assert np.abs(together[take] - alone).max() <= ROUNDING
        assert all(
            np.abs(together[take] - other).max() > ROUNDING for at, other in together.items() if at != take
        )
    reports = [each for each in found if isinstance(each, Report)]
    assert [each.take for each in reports] == [0, 1, 2, 3]
    assert [each.figures.get("batch") for each in reports] == [[1, 2, 3]] * 3 + [None]


def test_the_size_that_a_request_names_counts_wherever_it_is_rendered(
    engine: AceStepEngine, batching: AceStepEngine
) -> None:
    asked = request(takes=(0, 1, 2), takes_in_all=3)
    pair = replace(asked, takes_together=2)
    here, there = mixes(rendered(engine, pair), pair), mixes(rendered(batching, pair), pair)
    assert all(np.array_equal(here[take], there[take]) for take in pair.takes)
    reports = [each for each in rendered(batching, pair) if isinstance(each, Report)]
    assert [each.figures.get("batch") for each in reports] == [[1, 2], [1, 2], None]
    single = replace(asked, takes_together=1)
    alone = mixes(rendered(engine, asked), asked)
    assert all(
        np.array_equal(alone[take], found)
        for take, found in mixes(rendered(batching, single), single).items()
    )


def test_a_take_has_the_bits_of_its_batch_whichever_others_are_still_to_be_made(
    batching: AceStepEngine,
) -> None:
    asked = request(takes=(0, 1, 2), takes_in_all=3)
    whole = mixes(rendered(batching, asked), asked)
    for takes in ((0, 1, 2), (1, 2), (2,)):
        some = replace(asked, takes=takes)
        for take, mix in mixes(rendered(batching, some), some).items():
            assert np.array_equal(mix, whole[take])


def test_each_take_of_a_batch_is_varied_by_itself(engine: AceStepEngine, batching: AceStepEngine) -> None:
    asked = request(takes=(0, 1), takes_in_all=2, options={**FEW, "variance": 0.2})
    found, apart = rendered(batching, asked), rendered(engine, asked)
    reports = [each for each in found if isinstance(each, Report)]
    assert [each.figures["retake_of"] for each in reports] == [1, 2]
    assert all(
        np.abs(mixes(found, asked)[take] - mixes(apart, asked)[take]).max() <= ROUNDING
        for take in asked.takes
    )


def test_stems_of_a_batch_come_by_take(engine: AceStepEngine, batching: AceStepEngine) -> None:
    asked = request(Task.EXTRACT, takes=(0, 1), takes_in_all=2, stems=("drums", "bass"))
    found, apart = rendered(batching, asked), rendered(engine, asked)
    for name in ("drums", "bass", RESIDUAL):
        once, alone = mixes(found, asked, name), mixes(apart, asked, name)
        assert all(np.abs(once[take] - alone[take]).max() <= ROUNDING for take in asked.takes)


def test_takes_that_differ_in_more_than_noise_are_no_batch(
    engine: AceStepEngine, batching: AceStepEngine
) -> None:
    asked = request(takes=(0, 1), takes_in_all=2, options={**FEW, "encode": "sample"})
    found = rendered(batching, asked)
    assert not any("batch" in each.figures for each in found if isinstance(each, Report))
    for take, alone in mixes(rendered(engine, asked), asked).items():
        assert np.array_equal(mixes(found, asked)[take], alone)


def test_songs_that_are_planned_are_planned_for_each_take(tiny_models: Path, tmp_path: Path) -> None:
    engine = engine_of(with_planner(tiny_models, tmp_path / "models"), batch_size=2)
    planned = {**FEW, PLANNER: "on"}
    found = rendered(engine, request(Task.GENERATE, takes=(0, 1), takes_in_all=2, options=planned))
    for take in (0, 1):
        kinds = [type(each) for each in found if each.take == take and not isinstance(each, Piece)]
        assert kinds[:2] == [Attachment, Blueprint]
        assert kinds[-1] is Report
    assert all(each.take in (0, 1) for each in found)
    engine.unload()


def test_progress_of_a_batch_rises_and_a_stop_takes_effect(batching: AceStepEngine) -> None:
    asked = request(takes=(0, 1, 2), takes_in_all=3)
    told: list[Progress] = []
    list(batching.render(asked, told.append, lambda: False))
    fractions = [each.fraction for each in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert {each.take for each in told} == {None}, "all takes are as far as each"
    told.clear()
    with pytest.raises(RenderStopped):
        list(batching.render(asked, told.append, lambda: any("step 2" in each.stage for each in told)))
    assert "step 2" in told[-1].stage


def test_a_batch_that_is_none_is_refused() -> None:
    for size in (0, 9):
        with pytest.raises(ValueError, match=f"batch_size must be 1 to 8, got {size}"):
            EngineConfig(batch_size=size)
    assert MOST_TAKES == MAX_TAKES
    assert not AceStepEngine().describe().fixed_batches
    about = AceStepEngine(EngineConfig(batch_size=4)).describe()
    assert (about.takes_at_once, about.fixed_batches) == (4, True)
