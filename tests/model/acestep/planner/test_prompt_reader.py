"""Prompts that are read once for several takes, in pieces, and cancelled between layers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip("transformers", reason="the planner needs transformers: pip install takebridge[acestep]")

import torch

from model.acestep.conditioning.qwen_text_encoder import load_network
from model.acestep.planner import prompt_reader
from model.acestep.planner.prompt_reader import PromptReader
from model.errors import RenderStopped
from tests.model.acestep.golden_data import worst
from tests.places import TINY_PLANNER

if TYPE_CHECKING:
    from transformers import Qwen3Model


@cache
def network() -> Qwen3Model:
    return load_network(TINY_PLANNER, torch.float32, "cpu")


IDS = list(range(20, 60))


def test_the_next_take_goes_on_from_the_prompt_as_it_was_read() -> None:
    reader = PromptReader(network())
    first = reader.read(IDS)
    first.append(9)
    second = reader.read(IDS)
    assert torch.equal(second.scores, PromptReader(network()).read(IDS).scores)
    second.append(9)
    assert torch.equal(first.scores, second.scores)


def test_a_prompt_is_kept_and_a_third_one_drops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    plain = prompt_reader._scores
    monkeypatch.setattr(prompt_reader, "_scores", lambda *args: (reads.append(len(args[2])), plain(*args))[1])
    reader = PromptReader(network())
    for ids in (IDS, IDS, IDS[:5], IDS[:6], IDS):
        reader.read(ids)
    assert reads == [40, 5, 6, 40]
    reader.read(IDS[:7], keep=False)
    reader.read(IDS)
    assert reads == [40, 5, 6, 40, 7], "what no other take asks drops nothing"


def test_pieces_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = PromptReader(network()).read(IDS).scores
    monkeypatch.setattr(prompt_reader, "CHUNK", 7)
    assert worst(PromptReader(network()).read(IDS).scores, whole) <= 1e-5


def test_a_cancel_takes_effect_inside_a_token() -> None:
    polls = iter([False, True])
    text = PromptReader(network()).read(IDS)
    with pytest.raises(RenderStopped):
        text.append(9, lambda: next(polls, True))
    stops = iter([False, True])
    with pytest.raises(RenderStopped):
        PromptReader(network()).read(IDS, lambda: next(stops, True))
