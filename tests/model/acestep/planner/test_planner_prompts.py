"""The planner's turns, thoughts and answers against the stored ones of the reference."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("yaml", reason="the planner writes YAML: pip install takebridge[acestep]")

from model.acestep.planner import planner_prompts
from model.acestep.planner.planner_prompts import NOTHING_SAID, read_answer, thoughts_of, token_budget
from tests.model.acestep.golden_data import table

GOLDEN = table("prompts")


def asked(name: str) -> list[dict[str, Any]]:
    found = [case for case in GOLDEN["lm"] if case["name"] == name]
    assert found, name
    return found


def test_turns() -> None:
    for case in asked("generate, reasoning phase"):
        given = case["inputs"]
        assert planner_prompts.reasoning_prompt(given["caption"], given["lyrics"]) == case["text"]
    for case in asked("generate, code phase"):
        given = case["inputs"]
        prompt = planner_prompts.codes_prompt(given["caption"], given["lyrics"], given["cot"])
        assert prompt == case["text"]
    (case,) = asked("generate, code phase, unconditional")
    assert planner_prompts.unguided_prompt() == case["text"]
    assert case["inputs"]["negative_prompt"] == NOTHING_SAID
    (case,) = asked("generate, code phase, unconditional with a negative prompt")
    assert planner_prompts.unguided_prompt(case["inputs"]["negative_prompt"]) == case["text"]


@pytest.mark.parametrize("case", GOLDEN["cot"], ids=range(len(GOLDEN["cot"])))
def test_thoughts(case: dict[str, Any]) -> None:
    assert thoughts_of(case["metadata"]) == case["text"]


@pytest.mark.parametrize("case", GOLDEN["parse"], ids=range(len(GOLDEN["parse"])))
def test_answers(case: dict[str, Any]) -> None:
    answer = read_answer(case["text"])
    assert answer.facts == case["metadata"]
    assert "".join(map(planner_prompts.code_token, answer.codes)) == case["audio_codes"]
    assert answer.lyrics == case["lyrics"]


MORE = table("lm_more")


@pytest.mark.parametrize("case", MORE["prompts"], ids=range(len(MORE["prompts"])))
def test_questions(case: dict[str, Any]) -> None:
    if case["task"].startswith("understand"):
        found = planner_prompts.understanding_prompt(case["codes"] or ())
    elif case["task"] == "create sample":
        query = "" if case["query"] == NOTHING_SAID else case["query"]
        found = planner_prompts.expanding_prompt(query, instrumental=case["instrumental"])
    else:
        caption = "" if case["caption"] == NOTHING_SAID else case["caption"]
        lyrics = "" if case["lyrics"] == planner_prompts.NO_WORDS else case["lyrics"]
        found = planner_prompts.rewriting_prompt(caption, lyrics)
    assert found == case["text"]


@pytest.mark.parametrize("case", MORE["parse"], ids=range(len(MORE["parse"])))
def test_descriptions(case: dict[str, Any]) -> None:
    answer = read_answer(case["text"])
    assert answer.facts == case["metadata"]
    assert answer.lyrics == case["lyrics"]


@pytest.mark.parametrize("trace", MORE["fsm"], ids=[trace["name"] for trace in MORE["fsm"]])
def test_what_the_reference_wrote_under_its_grammar(trace: dict[str, Any]) -> None:
    answer = read_answer(trace["output"])
    assert (answer.facts, answer.lyrics) == (trace["parsed"], trace["lyrics"])


def test_a_code_that_stands_for_nothing_becomes_the_last_one() -> None:
    assert read_answer("<|audio_code_64001|><|audio_code_7|>").codes == (63_999, 7)


@pytest.mark.parametrize("case", GOLDEN["max_new_tokens"], ids=range(len(GOLDEN["max_new_tokens"])))
def test_budgets(case: dict[str, Any]) -> None:
    thinking = case["phase"] == "cot"
    found = token_budget(case["target_duration"], case["model_max_length"], thinking=thinking)
    assert found == case["value"]
