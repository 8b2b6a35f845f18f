"""How well planned codes fit the words they were written for, as the planner itself reads them back.

Of the official application (its LM score of June 2026): the planner is asked what the codes are, and each part of the
words is weighed as its answer. The figures rank plans of the same words; they say nothing about how good a song is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from model.acestep.planner.planner import Planner
from model.acestep.planner.planner_prompts import (
    FIELDS,
    lyrics_answer,
    plain,
    thoughts_answer,
    understanding_prompt,
)
from model.acestep.planner.prompt_reader import Judged
from model.engine import ShouldStop

CAPTION, LYRICS, FACTS, TOTAL = "caption", "lyrics", "facts", "total"
WEIGHTS: Mapping[str, float] = {CAPTION: 0.5, LYRICS: 0.3, FACTS: 0.2}

_LAST_RANK = 10  # a token beyond it counts nothing
_SCALE = 0.1  # of the difference that codes make to the mean log-likelihood of a text


def parts_of_fit(
    planner: Planner,
    codes: Sequence[int],
    caption: str,
    lyrics: str,
    facts: Mapping[str, object],
    should_stop: ShouldStop = lambda: False,
) -> dict[str, float]:
    """0 to 1 for the caption, the lyrics if there are any, and each of the facts by the planner's names.

    A text: how much likelier the codes make it, 0.5 where they make no difference. A fact: how far up the planner has
    its tokens. Raises RenderStopped.
    """
    asked, unasked = understanding_prompt(codes), understanding_prompt(())
    heard = planner.read(asked, should_stop)

    def judged(answer: str) -> Judged:
        return heard.judged(planner.answer_ids(asked, answer), should_stop)

    found = {
        name: ranked(judged(thoughts_answer({name: facts[name]})).ranks)
        for name in FIELDS
        if name != CAPTION and name in facts
    }
    texts = {CAPTION: thoughts_answer({CAPTION: caption})} | (
        {LYRICS: lyrics_answer(lyrics)} if lyrics else {}
    )
    known = {name: judged(answer) for name, answer in texts.items()}
    without = planner.read(unasked, should_stop)
    for name, answer in texts.items():
        unknown = without.judged(planner.answer_ids(unasked, answer), should_stop)
        found[name] = likelier(known[name].log_chances, unknown.log_chances)
    return found


def ranked(ranks: Tensor) -> float:
    """The mean credit of tokens [N] by their ranks from 1: 1 for the first, 0 beyond the tenth."""
    credit = 1 - (ranks.double() - 1) / _LAST_RANK
    return float(credit.clamp(min=0).mean())


def likelier(known: Tensor, unknown: Tensor) -> float:
    """A text's log-likelihoods [N] with and without the codes, as one figure 0..1."""
    difference = known.double().mean() - unknown.double().mean()
    return float(torch.sigmoid(difference / _SCALE))


def total_of(parts: Mapping[str, float]) -> dict[str, float]:
    """The figures for the producer: caption, lyrics, all facts as one, and the weighted mean of those there are."""
    facts = [value for name, value in parts.items() if name not in (CAPTION, LYRICS)]
    found = {name: parts[name] for name in (CAPTION, LYRICS) if name in parts}
    if facts:
        found[FACTS] = sum(facts) / len(facts)
    weight = sum(WEIGHTS[name] for name in found)
    return {TOTAL: sum(WEIGHTS[name] * value for name, value in found.items()) / weight, **found}


def fit_of(
    planner: Planner,
    codes: Sequence[int],
    caption: str,
    lyrics: str,
    facts: Mapping[str, str | int],
    should_stop: ShouldStop = lambda: False,
) -> dict[str, float]:
    """`total_of` `parts_of_fit`, to four digits, as a Blueprint has it. Raises RenderStopped."""
    written = {name: plain(name, value) for name, value in facts.items()}
    parts = parts_of_fit(planner, codes, caption, lyrics, written, should_stop)
    return {name: round(value, 4) for name, value in total_of(parts).items()}
