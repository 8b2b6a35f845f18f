"""Previews of a training: the adapter as it is, always from the same noise; they change no bit of what is learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from model.acestep.training.preview import PreviewWish, _grid
from model.acestep.training.training_run import train_order
from model.engine import Samples
from model.errors import CannotRender, RenderStopped
from tests.model.acestep.training.test_training_run import order, read


class Shelf:
    def __init__(self) -> None:
        self.kept: dict[str, Samples] = {}

    def has(self, name: str) -> bool:
        return name in self.kept

    def keep(self, name: str, samples: Samples, rate: int) -> None:
        assert rate == 48_000
        self.kept[name] = samples


def asked(tiny: Path, folder: Path, every: int = 2) -> dict[str, Any]:
    found = order(tiny, folder, preview={"every": every, "seconds": 5.2})
    return {**found, "songs": found["songs"][:1]}


def test_they_let_one_hear_the_adapter_and_change_nothing(tiny_models: Path, tmp_path: Path) -> None:
    shelf, told = Shelf(), []
    made = train_order(asked(tiny_models, tmp_path / "with"), read, told.append, lambda: False, shelf)
    assert list(shelf.kept) == ["0", "2", "4", "finished"]
    assert [one["preview"] for one in told if "preview" in one] == list(shelf.kept)
    assert {samples.shape for samples in shelf.kept.values()} == {(round(5.2 * 48_000), 2)}
    assert all(np.isfinite(samples).all() and np.abs(samples).max() > 0 for samples in shelf.kept.values())
    assert np.abs(shelf.kept["4"] - shelf.kept["0"]).max() > 1e-4  # the adapter is heard
    plain = train_order(asked(tiny_models, tmp_path / "without", 0), read, lambda _news: None, lambda: False)
    assert Path(plain["adapter"]).read_bytes() == Path(made["adapter"]).read_bytes()


def test_one_that_cannot_be_made_is_told_and_the_training_goes_on(tiny_models: Path, tmp_path: Path) -> None:
    class Full(Shelf):
        def keep(self, name: str, samples: Samples, rate: int) -> None:
            if name == "0":
                raise CannotRender("The disk is full.", "Free some space.")
            if name == "2":
                raise MemoryError
            super().keep(name, samples, rate)

    shelf, told = Full(), []
    made = train_order(asked(tiny_models, tmp_path), read, told.append, lambda: False, shelf)
    assert list(shelf.kept) == ["4", "finished"]
    assert [one["skipped"] for one in told if "skipped" in one] == [
        "The disk is full. Free some space.", "cpu has too little memory for a preview.",
    ]  # fmt: skip
    assert len(made["losses"]) == 4


def test_one_that_was_stopped_is_made_when_the_training_goes_on(tiny_models: Path, tmp_path: Path) -> None:
    """The stop comes while the preview after step 2 is rendered; the same audio comes afterwards."""
    whole, stopped = Shelf(), Shelf()
    train_order(asked(tiny_models, tmp_path / "whole"), read, lambda _news: None, lambda: False, whole)
    phases: list[str] = []
    with pytest.raises(RenderStopped):
        train_order(
            asked(tiny_models, tmp_path / "stopped"), read, lambda news: phases.append(news["phase"]),
            lambda: phases.count("rendering a preview") == 2, stopped,
        )  # fmt: skip
    assert list(stopped.kept) == ["0"]
    train_order(asked(tiny_models, tmp_path / "stopped"), read, lambda _news: None, lambda: False, stopped)
    assert list(stopped.kept) == list(whole.kept)
    assert all(np.array_equal(stopped.kept[name], samples) for name, samples in whole.kept.items())


@pytest.mark.parametrize(
    "wrong", [{"every": -1}, {"seconds": 1.0}, {"seconds": 1e9}, {"seconds": float("nan")}]
)
def test_what_cannot_be_heard_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(CannotRender, match="cannot be made"):
        PreviewWish(**wrong)


def test_a_known_tempo_is_told_to_the_model() -> None:
    grid = _grid(120, 4.0)
    assert grid.seconds[4] == 0.0
    assert list(grid.beat_in_bar[:5]) == [0, 1, 2, 3, 0]
    assert len(_grid(None, 4.0).seconds) == 0
