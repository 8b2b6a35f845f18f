"""Orders in plain values."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from model.acestep.training.training_order import changed_settings, order_from_fields
from model.acestep.training.training_settings import AdapterKind, OptimiserKind, TrainingSettings
from model.errors import CannotRender


def test_an_order_from_plain_values() -> None:
    song = {"name": "one.wav", "digest": "d", "caption": "tape"}
    fields = {
        "name": "my", "models": "m", "checkpoint": "", "device": "cpu", "memory": 0, "changed": {}, "songs": [song],
        "run": "r", "adapter": "a", "about": {},
    }  # fmt: skip
    order = order_from_fields(fields)
    assert (order.models, order.run, order.adapter) == (Path("m"), Path("r"), Path("a"))
    assert order.songs[0].caption == "tape"
    with pytest.raises(TypeError):
        order_from_fields({**fields, "more": 1})
    with pytest.raises(CannotRender, match=r"one\.wav has the language 'klingon'"):
        order_from_fields({**fields, "songs": [{**song, "language": "klingon"}]})


def test_settings_in_the_producers_words() -> None:
    found = changed_settings({"kind": "lokr", "optimiser": "adafactor", "seconds": 30.0, "rank": 8})
    assert found == {
        "kind": AdapterKind.LOKR, "optimiser": OptimiserKind.ADAFACTOR, "crop_frames": 750, "rank": 8, "alpha": 16.0,
    }  # fmt: skip
    assert changed_settings({"rank": 8, "alpha": 4.0})["alpha"] == 4.0
    with pytest.raises(ValueError, match="other"):
        changed_settings({"kind": "other"})


@pytest.mark.parametrize("seconds", [math.inf, -math.inf, math.nan, 1e300, 0.0, -1.0])
def test_examples_last_a_number_of_seconds(seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds must be from"):
        changed_settings({"seconds": seconds})


def test_a_rank_beyond_all_numbers_is_left_to_the_settings() -> None:
    with pytest.raises(ValueError, match="rank must be 1000000000 or less"):
        TrainingSettings(**changed_settings({"rank": 10**400}))
