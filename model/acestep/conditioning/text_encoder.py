"""The text encoder's interface for the pipeline."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class TextEncoder(Protocol):
    """The language model in front of the condition encoder."""

    def states(self, prompt: str) -> Tensor:
        """Last hidden states [1, S, text width], at most prompts.MAX_TEXT_TOKENS of them."""
        ...

    def embeddings(self, prompt: str) -> Tensor:
        """Input embeddings [1, S, text width], at most prompts.MAX_LYRIC_TOKENS of them."""
        ...

    def unread(self, prompt: str, most: int) -> str:
        """The end of a prompt that is cut if only `most` tokens are read; "" if all of it is read."""
        ...

    def tokens(self, prompt: str, most: int) -> list[tuple[int, int]]:
        """Of each token that is read, its first character in the prompt and the one after its last; up to the first
        end marker."""
        ...
