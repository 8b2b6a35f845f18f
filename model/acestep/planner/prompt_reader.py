"""Reads texts with the planner's network, token by token, with a key-value cache.

Takes of one request ask the same question, so the reading of a prompt is kept and shared: each take goes on from a copy
of its cache. The takes themselves are written one after the other: together they would come out different in their last
bits, because a product of several rows is summed in another order, and a take must not depend on its neighbours.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from model.engine import ShouldStop, stop_if_asked

if TYPE_CHECKING:
    from transformers import DynamicCache, Qwen3Model

CHUNK = 256
"""Tokens of a prompt that are read at once: a cancel takes effect between them, and between the layers inside."""

_KEPT_PROMPTS = 2  # a question and the same without its condition
_KEPT_TOKENS = (
    1024  # of a prompt; longer ones are codes of a whole song, whose cache is as large as the network
)


_JUDGED_AT_ONCE = 64  # tokens of an answer: each has scores of the whole vocabulary, 0.9 MB


@dataclass(frozen=True)
class Judged:
    """Tokens [N] as the network would write them after a text. log_chances: float32, natural logarithms.

    ranks: from 1; of tokens with equal scores, the best.
    """

    log_chances: Tensor
    ranks: Tensor


class ReadText:
    """A text that was read. scores: [vocabulary] of the token after it, float32 on the CPU."""

    def __init__(self, network: Qwen3Model, cache: DynamicCache, scores: Tensor) -> None:
        self._network = network
        self._cache = cache
        self.scores = scores

    def append(self, token: int, should_stop: ShouldStop = lambda: False) -> None:
        """Reads one more token. Raises RenderStopped."""
        self.scores = _scores(self._network, self._cache, [token], should_stop)

    def judged(self, ids: Sequence[int], should_stop: ShouldStop = lambda: False) -> Judged:
        """How likely these tokens are to follow, at least one; the text stays as it is. Raises RenderStopped."""
        cache, rows = copy.deepcopy(self._cache), self.scores[None]
        chances, ranks = [], []
        for first in range(0, len(ids), _JUDGED_AT_ONCE):
            part = list(ids[first : first + _JUDGED_AT_ONCE])
            stop_if_asked(should_stop)
            scores = torch.cat([rows, _all_scores(self._network, cache, part, should_stop)])
            rows, scores = scores[-1:], scores[:-1]
            own = scores.gather(1, torch.tensor(part)[:, None])
            chances.append(own[:, 0] - scores.logsumexp(dim=1))
            ranks.append((scores > own).sum(dim=1) + 1)
        return Judged(torch.cat(chances), torch.cat(ranks))

    def branch(self) -> ReadText:
        """The same text, to go on from independently."""
        return ReadText(self._network, copy.deepcopy(self._cache), self.scores)


class PromptReader:
    """Reads prompts and keeps the last ones for the next take."""

    def __init__(self, network: Qwen3Model) -> None:
        self._network = network
        self._kept: OrderedDict[tuple[int, ...], ReadText] = OrderedDict()

    def read(
        self, ids: Sequence[int], should_stop: ShouldStop = lambda: False, *, keep: bool = True
    ) -> ReadText:
        """The text of these tokens. keep: for the next take. Raises RenderStopped."""
        from transformers import DynamicCache

        name = tuple(ids)
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name].branch()
        cache: DynamicCache = DynamicCache()
        scores = torch.empty(0)
        for first in range(0, len(ids), CHUNK):
            stop_if_asked(should_stop)
            scores = _scores(self._network, cache, ids[first : first + CHUNK], should_stop)
        text = ReadText(self._network, cache, scores)
        if keep and len(ids) <= _KEPT_TOKENS:
            self._kept[name] = text.branch()
            while len(self._kept) > _KEPT_PROMPTS:
                self._kept.popitem(last=False)
        return text


def _scores(network: Qwen3Model, cache: DynamicCache, ids: Sequence[int], should_stop: ShouldStop) -> Tensor:
    """Reads tokens after those in the cache; the scores of the next one."""
    return _scored(network, _states(network, cache, ids, should_stop)[-1])


def _all_scores(
    network: Qwen3Model, cache: DynamicCache, ids: Sequence[int], should_stop: ShouldStop
) -> Tensor:
    """Reads tokens after those in the cache; after each, the scores of the next one [N, vocabulary]."""
    return _scored(network, _states(network, cache, ids, should_stop))


def _scored(network: Qwen3Model, states: Tensor) -> Tensor:
    head: Any = network.get_submodule("embed_tokens")
    with torch.no_grad():
        found: Tensor = states @ head.weight.T
        return found.float().cpu()


def _states(network: Qwen3Model, cache: DynamicCache, ids: Sequence[int], should_stop: ShouldStop) -> Tensor:
    """Reads tokens after those in the cache; the last layer's states of each [N, width]."""
    head: Any = network.get_submodule("embed_tokens")
    layers: Any = network.get_submodule("layers")
    with ExitStack() as hooks, torch.no_grad():
        for layer in layers:  # a large planner takes a second for a token where no GPU computes
            hooks.callback(layer.register_forward_pre_hook(lambda *_: stop_if_asked(should_stop)).remove)
        tokens = torch.tensor([list(ids)], device=head.weight.device)
        states: Tensor = network(input_ids=tokens, past_key_values=cache, use_cache=True).last_hidden_state
        return states[0]
