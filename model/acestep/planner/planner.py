"""The 5 Hz language model: writes songs as words and audio codes, and describes songs given as audio codes.

A new song takes two passes: first the metadata (skipped if all of it is known), then the codes, guided away from what
it would write without any condition. Describing a song, expanding a few words and rewriting a caption take one, in
which lyrics follow the metadata. The network is a plain Qwen3 whose head is its input embedding. We sample ourselves,
because the grammar masks the scores before each draw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from model.acestep.planner import planner_prompts
from model.acestep.planner.drawing import Drawing
from model.acestep.planner.planner_grammar import Codes, Thoughts, TokenChoice, Vocabulary
from model.acestep.planner.planner_prompts import FIELDS, NOTHING_SAID, PlannedSong
from model.acestep.planner.prompt_reader import PromptReader, ReadText
from model.engine import ShouldStop, stop_if_asked
from model.errors import CannotRender, NotLoaded

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import Qwen3Model

FACTS = ("bpm", "duration", "keyscale", "timesignature")
"""If all of these are known, the planner skips its thoughts."""

NO_CODES = "The planner produced no audio codes."

OnTokens = Callable[[int, int], None]
"""Called after each token with (tokens written, maximum number of tokens)."""


@dataclass(frozen=True)
class PlanRequest:
    """A song to plan. facts: its known metadata, by the planner's names; seconds: its length.

    writes_caption, writes_language: whether the planner may replace the request's own.
    thinks: also where all metadata is known, so that only a caption or a language is left to write.
    avoided: the negative prompt.
    """

    caption: str
    lyrics: str
    seconds: float
    facts: Mapping[str, str]
    writes_caption: bool = False
    writes_language: bool = True
    avoided: str = NOTHING_SAID
    thinks: bool = False


class TokenGuide(Protocol):
    """The allowed next tokens: planner_grammar.Thoughts and .Codes."""

    def choice(self, scores: Tensor) -> TokenChoice: ...
    def take(self, token: int) -> None: ...


MAX_CONTEXT = 4096
"""Tokens that the official application lets an answer have, though the network could count further."""


class Planner:
    """A network with its tokenizer. Raises NotLoaded if they do not match.

    context: the most tokens of an answer, less a few that are kept free.
    """

    def __init__(self, network: Qwen3Model, tokenizer: Tokenizer, context: int = MAX_CONTEXT) -> None:
        words, rows = tokenizer.get_vocab_size(with_added_tokens=True), int(network.config.vocab_size)
        if words > rows:
            raise NotLoaded(
                f"The tokenizer has {words} tokens, the planner {rows}: they belong to different models.",
                "Download the planner again.",
            )
        try:
            self.words = Vocabulary(tokenizer)
        except ValueError as wrong:
            raise NotLoaded(
                f"This is not a planner: {wrong}.", "Use one of the acestep-5Hz-lm models."
            ) from wrong
        self._reader = PromptReader(network)
        self._context = min(context, int(network.config.max_position_embeddings))

    def plan(
        self,
        wanted: PlanRequest,
        drawing: Drawing,
        source: torch.Generator,
        on_tokens: OnTokens = lambda _done, _most: None,
        should_stop: ShouldStop = lambda: False,
    ) -> PlannedSong:
        """Metadata and codes. Raises RenderStopped, and CannotRender if the planner writes no codes."""
        facts = self.think(wanted, drawing, source, on_tokens, should_stop)
        codes = self.code(wanted, facts, drawing, source, on_tokens, should_stop)
        if not codes:
            raise CannotRender(NO_CODES, "Use another seed.")
        return PlannedSong(facts, codes)

    def think(
        self,
        wanted: PlanRequest,
        drawing: Drawing,
        source: torch.Generator,
        on_tokens: OnTokens = lambda _done, _most: None,
        should_stop: ShouldStop = lambda: False,
    ) -> Mapping[str, str | int]:
        """The song's metadata: known values unchanged, the others written by the planner.

        With all of FACTS known nothing is written, unless the request says `thinks`.
        """
        if not wanted.thinks and all(name in wanted.facts for name in FACTS):
            return dict(wanted.facts)
        skipped = {"genres"}
        if not wanted.writes_caption:
            skipped.add("caption")
        if not wanted.writes_language:
            skipped.add("language")
        guide = Thoughts(
            self.words,
            [name for name in (*FACTS, "caption", "language") if name not in skipped],
            wanted.facts,
        )
        prompt = planner_prompts.reasoning_prompt(wanted.caption, wanted.lyrics)
        budget = planner_prompts.token_budget(None, self._context, thinking=True)
        ids = self._write(
            (prompt,), guide, replace(drawing, guidance=1.0), source, budget, on_tokens, should_stop
        )
        return planner_prompts.read_answer(self.words.text(ids)).facts

    def code(
        self,
        wanted: PlanRequest,
        facts: Mapping[str, str | int],
        drawing: Drawing,
        source: torch.Generator,
        on_tokens: OnTokens = lambda _done, _most: None,
        should_stop: ShouldStop = lambda: False,
    ) -> tuple[int, ...]:
        """Audio codes, five for each second of the song."""
        thoughts = planner_prompts.thoughts_of(facts)
        prompts = [planner_prompts.codes_prompt(wanted.caption, wanted.lyrics, thoughts)]
        if drawing.guidance != 1:
            prompts.append(planner_prompts.unguided_prompt(wanted.avoided))
        guide = Codes(self.words, planner_prompts.code_count(wanted.seconds))
        budget = planner_prompts.token_budget(wanted.seconds, self._context, thinking=False)
        ids = self._write(prompts, guide, drawing, source, budget, on_tokens, should_stop)
        return tuple(self.words.code_of[token] for token in ids if token in self.words.code_of)

    def describe(
        self,
        prompt: str,
        given: Mapping[str, str],
        drawing: Drawing,
        source: torch.Generator,
        on_tokens: OnTokens = lambda _done, _most: None,
        should_stop: ShouldStop = lambda: False,
        left_out: Sequence[str] = (),
    ) -> PlannedSong:
        """The answer to one of planner_prompts' understanding, expanding and rewriting prompts: metadata and lyrics.

        given: known metadata by the planner's names, kept as it is. left_out: fields that are not written at all.
        """
        guide = Thoughts(self.words, [name for name in FIELDS if name not in left_out], given, closes=True)
        budget = planner_prompts.token_budget(None, self._context, thinking=True)
        ids = self._write(
            (prompt,), guide, replace(drawing, guidance=1.0), source, budget, on_tokens, should_stop
        )
        return planner_prompts.read_answer(self.words.text(ids))

    def read(self, prompt: str, should_stop: ShouldStop = lambda: False) -> ReadText:
        """A prompt that no other take asks, read. Raises RenderStopped."""
        return self._reader.read(self.words.ids(prompt), should_stop, keep=False)

    def answer_ids(self, prompt: str, answer: str) -> tuple[int, ...]:
        """The tokens of an answer after its prompt; as in training, both are split into tokens together."""
        return self.words.ids(prompt + answer)[len(self.words.ids(prompt)) :]

    def _write(
        self,
        prompts: Sequence[str],
        guide: TokenGuide,
        drawing: Drawing,
        source: torch.Generator,
        budget: int,
        on_tokens: OnTokens,
        should_stop: ShouldStop,
    ) -> list[int]:
        """The tokens of one answer, without the end token. Guidance moves away from the second prompt, if any."""
        texts = [self._reader.read(self.words.ids(prompt), should_stop) for prompt in prompts]
        asked = list(self.words.ids(prompts[0]))
        written: list[int] = []
        while len(written) < budget:
            stop_if_asked(should_stop)
            scores = guided([text.scores for text in texts], drawing.guidance)
            choice = guide.choice(scores)
            token = drawn(choice.masked(scores), [*asked, *written], drawing, source)
            if token in (self.words.end, self.words.padding):
                break
            guide.take(token)
            written.append(token)
            on_tokens(len(written), budget)
            for text in texts:
                text.append(token, should_stop)
        return written


def guided(scores: Sequence[Tensor], scale: float) -> Tensor:
    """Scores guided away from the second ones by `scale`; the first alone if there is no second."""
    if len(scores) == 1:
        return scores[0]
    return scores[1] + scale * (scores[0] - scores[1])


def drawn(scores: Tensor, before: Sequence[int], drawing: Drawing, source: torch.Generator) -> int:
    """One token drawn from masked scores [vocabulary]. before: tokens so far, for the repetition penalty."""
    if drawing.repetition != 1:
        seen = sorted(set(before))
        old = scores[seen]
        scores = scores.clone()
        scores[seen] = torch.where(old < 0, old * drawing.repetition, old / drawing.repetition)
    if drawing.temperature <= 0:
        return int(scores.argmax())
    chances = probabilities(scores[None], drawing.top_k, drawing.top_p, drawing.temperature)
    return int(torch.multinomial(chances, 1, generator=source))


def probabilities(scores: Tensor, top_k: int, top_p: float, temperature: float) -> Tensor:
    """Scores [B, vocabulary] as probabilities: top-k (0 = all), then top-p, then temperature."""
    if top_k > 0:
        least = scores.topk(min(top_k, scores.shape[-1])).values[:, -1:]
        scores = scores.masked_fill(scores < least, float("-inf"))
    if top_p < 1:
        ranked, order = scores.sort(descending=True)
        chances = ranked.softmax(dim=-1)
        # The token that crosses the threshold stays; only those after it are dropped.
        beyond = chances.cumsum(dim=-1) - chances > top_p
        scores = scores.masked_fill(torch.zeros_like(beyond).scatter(1, order, beyond), float("-inf"))
    return (scores.float() / temperature).softmax(dim=-1)
