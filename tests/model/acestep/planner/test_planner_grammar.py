"""The planner's grammar, token by token, against the stored traces of the reference."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from tokenizers import Tokenizer
from torch import Tensor

from model.acestep.planner.planner_grammar import Codes, Thoughts, TokenChoice, Vocabulary
from model.acestep.planner.planner_prompts import FIELDS, read_answer
from tests.model.acestep.golden_data import table
from tests.places import TINY

GOLDEN = table("lm_fsm")
MORE = table("lm_more")["fsm"]
TRACES = {trace["name"]: trace for trace in GOLDEN["traces"]}
DEFECTS = {"understand phase", "understand phase, unknown field after the caption"}
"""Traces of which the reference itself says that they must not be followed to the end."""


@cache
def words() -> Vocabulary:
    return Vocabulary(Tokenizer.from_file(str(TINY / "acestep-5Hz-lm" / "tokenizer.json")))


def scores_at(step: int, seed: int, boosted: int | None) -> Tensor:
    """The closed formula the traces were made with."""
    values = []
    for token in range(GOLDEN["vocab_size"]):
        wave = math.sin(127.1 * step + 311.7 * token + 74.7 * seed) * 43758.5453
        values.append(4 * (wave - math.floor(wave)))
    scores = torch.tensor(values, dtype=torch.float32)
    if boosted is not None:
        scores[boosted] += 20.0
    return scores


def guide_of(trace: dict[str, Any]) -> Thoughts | Codes:
    asked = trace["settings"]
    if asked["generation_phase"] == "codes":
        seconds = asked.get("target_duration")
        return Codes(words(), None if seconds is None else int(seconds * 5))
    skipped = {name for name in ("caption", "language") if asked.get(f"skip_{name}")}
    if asked.get("skip_genres", True):
        skipped.add("genres")
    return Thoughts(
        words(),
        [name for name in FIELDS if name not in skipped],
        asked.get("user_metadata"),
        asked.get("target_duration"),
        asked.get("max_duration", 600),
        closes=not asked.get("stop_at_reasoning", False),
    )


def test_every_trace_is_here() -> None:
    assert len(TRACES) == 12


@pytest.mark.parametrize("name", sorted(set(TRACES) - DEFECTS))
def test_every_step_allows_what_the_reference_allows(name: str) -> None:
    trace = TRACES[name]
    guide, written = guide_of(trace), []
    for number, step in enumerate(trace["steps"]):
        scores = scores_at(number, trace["seed"], step["boost"])
        choice = guide.choice(scores)
        same_choice(choice, step)
        token = int(choice.masked(scores).argmax())
        assert token == step["chosen"], (number, step["state"])
        guide.take(token)
        written.append(token)
    assert words().text(written) == trace["text"]


@pytest.mark.parametrize("trace", MORE, ids=[trace["name"] for trace in MORE])
def test_descriptions_follow_the_reference(trace: dict[str, Any]) -> None:
    guide = guide_of(
        {"settings": {"generation_phase": "understand", "skip_genres": False, **trace["settings"]}}
    )
    for number, step in enumerate(trace["steps"][: trace["compare_steps"]]):
        choice = guide.choice(scores_at(number, trace["seed"], step["boost"]))
        same_choice(choice, step)
        assert step["chosen"] == int(
            choice.masked(scores_at(number, trace["seed"], step["boost"])).argmax()
        ), (number, step["state"])
        guide.take(step["chosen"])


def same_choice(choice: TokenChoice, step: dict[str, Any]) -> None:
    if step.get("allowed") is not None:
        assert choice.only == set(step["allowed"]), step["state"]
    elif step["blocked"]:
        assert choice.only is None
        assert choice.never == set(step["blocked"]), step["state"]
    else:
        # Where the reference lets a field's name be anything, ours must be one that can still come.
        assert choice.only is None or step["chosen"] in choice.only


def follow(trace: dict[str, Any], wanted_text: str) -> str:
    """What comes out when the planner would write `wanted_text` after its caption."""
    guide, written = guide_of(trace), []
    wanted = list(words().ids(wanted_text))
    for number in range(200):
        waiting = written and isinstance(guide, Thoughts) and guide._field in ("caption", "genres")
        scores = scores_at(number, 5, wanted[0] if wanted and (waiting or guide_is_naming(guide)) else None)
        choice = guide.choice(scores)
        token = int(choice.masked(scores).argmax())
        if wanted and token == wanted[0]:
            wanted.pop(0)
        guide.take(token)
        written.append(token)
        if token == words().thoughts_end:
            break
    return words().text(written)


def guide_is_naming(guide: Thoughts | Codes) -> bool:
    return isinstance(guide, Thoughts) and guide._naming


def test_after_the_genres_the_next_name_is_whole() -> None:
    """The reference loses its first letter, and with it the key."""
    trace = TRACES["understand phase"]
    outcome = follow(trace, " a calm piano piece\nduration: pop rock\n")
    facts = read_answer(outcome).facts
    assert set(facts) == set(FIELDS)
    assert "\nkeyscale: " in outcome


def test_a_name_that_cannot_come_does_not_damage_the_line() -> None:
    """The reference writes `bpm:duration: 78`."""
    outcome = follow(TRACES["understand phase, unknown field after the caption"], " piano\nbpm:")
    facts = read_answer(outcome).facts
    assert set(facts) <= set(FIELDS)
    assert all(isinstance(facts[name], int) for name in ("bpm", "duration") if name in facts)
    for line in outcome.splitlines():
        assert line.count(":") <= 1


def test_defects_are_followed_until_they_begin() -> None:
    for name, defect in (
        ("understand phase", "ey"),
        ("understand phase, unknown field after the caption", "bpm"),
    ):
        trace = TRACES[name]
        guide = guide_of(trace)
        for number, step in enumerate(trace["steps"]):
            if number > 3 and step["text"] == defect:
                break
            scores = scores_at(number, trace["seed"], step["boost"])
            choice = guide.choice(scores)
            same_choice(choice, step)
            assert int(choice.masked(scores).argmax()) == step["chosen"], (number, step)
            guide.take(step["chosen"])
        else:
            raise AssertionError("the defect did not come")
