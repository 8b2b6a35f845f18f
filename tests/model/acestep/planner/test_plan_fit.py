"""How well codes fit their words: every figure against the stored ones of the reference."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip("transformers", reason="the planner needs transformers: pip install takebridge[acestep]")

import torch

from model.acestep.conditioning.qwen_text_encoder import load_network, load_tokenizer
from model.acestep.planner import prompt_reader
from model.acestep.planner.plan_fit import fit_of, parts_of_fit, ranked, total_of
from model.acestep.planner.planner import Planner
from model.acestep.planner.planner_prompts import thoughts_answer, understanding_prompt
from model.errors import RenderStopped
from tests.model.acestep.golden_data import table
from tests.places import TINY_PLANNER

SCORES = table("lm_more")["scores"]
TOLERANCE = 1e-4
each_score = pytest.mark.parametrize("stored", SCORES, ids=range(len(SCORES)))


@cache
def planner() -> Planner:
    return Planner(load_network(TINY_PLANNER, torch.float32, "cpu"), load_tokenizer(TINY_PLANNER))


def facts_of(stored: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in stored["metadata"].items() if value is not None}


@each_score
def test_every_part_and_the_total(stored: dict[str, Any]) -> None:
    found = parts_of_fit(planner(), stored["codes"], stored["caption"], stored["lyrics"], facts_of(stored))
    assert found == pytest.approx(stored["per_condition"], abs=TOLERANCE)
    assert total_of(found)["total"] == pytest.approx(stored["total"], abs=TOLERANCE)


@each_score
def test_the_likelihood_of_the_caption(stored: dict[str, Any]) -> None:
    answer = thoughts_answer({"caption": stored["caption"]})
    assert answer == stored["caption_target"]
    for codes, name in ((stored["codes"], "caption_logprob"), ((), "caption_logprob_without_codes")):
        prompt = understanding_prompt(codes)
        judged = planner().read(prompt).judged(planner().answer_ids(prompt, answer))
        assert float(judged.log_chances.mean()) == pytest.approx(stored[name], abs=TOLERANCE)


def test_an_answer_is_judged_the_same_in_pieces_and_leaves_the_text_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prompt = understanding_prompt([1, 2, 3])
    ids = planner().answer_ids(prompt, thoughts_answer({"caption": "calm piano"}))
    text = planner().read(prompt)
    whole = text.judged(ids)
    assert len(whole.log_chances) == len(whole.ranks) == len(ids)
    monkeypatch.setattr(prompt_reader, "_JUDGED_AT_ONCE", 3)
    pieces = text.judged(ids)
    assert torch.allclose(pieces.log_chances, whole.log_chances, atol=1e-5)
    assert torch.equal(pieces.ranks, whole.ranks)
    one_by_one = []
    for token in ids:
        one_by_one.append(float(text.scores.log_softmax(0)[token]))
        text.append(token)
    assert one_by_one == pytest.approx(whole.log_chances.tolist(), abs=1e-4)


def test_ranks_count_down_to_nothing() -> None:
    assert ranked(torch.tensor([1, 2, 10, 11, 40_000])) == pytest.approx((1 + 0.9 + 0.1) / 5)


def test_facts_are_weighed_as_the_planner_writes_them() -> None:
    """It was trained to write a time signature without quotes; the reference weighs the quotes of its caller's text."""
    codes, caption = SCORES[0]["codes"], SCORES[0]["caption"]

    def weighed(value: object) -> float:
        return parts_of_fit(planner(), codes, caption, "", {"timesignature": value})["timesignature"]

    found = fit_of(planner(), codes, caption, "", {"timesignature": "4"})
    assert found["facts"] == round(weighed(4), 4) != round(weighed("4"), 4)


def test_what_is_not_there_has_no_weight() -> None:
    assert total_of({"caption": 0.4}) == {"total": pytest.approx(0.4), "caption": 0.4}
    all_of_it = total_of({"bpm": 1.0, "keyscale": 0.0, "caption": 0.4, "lyrics": 0.6})
    assert all_of_it["total"] == pytest.approx(0.5 * 0.4 + 0.3 * 0.6 + 0.2 * 0.5)
    assert all_of_it["facts"] == 0.5


def test_a_stop_takes_effect_between_the_parts() -> None:
    asked = iter([False] * 20)
    with pytest.raises(RenderStopped):
        fit_of(planner(), [1, 2, 3], "calm piano", "la la", {"bpm": 90}, lambda: next(asked, True))
