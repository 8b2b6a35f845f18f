"""What went wrong, in words for the producer."""

from __future__ import annotations


class Problem(Exception):
    """A sentence, and what to do about it."""

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(f"{sentence} {remedy}".rstrip())
