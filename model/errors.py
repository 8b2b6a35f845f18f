"""The errors an engine raises. Every message is written for the producer."""

from __future__ import annotations


class EngineError(Exception):
    """Base of every deliberate engine error.

    sentence: what was wrong and where, in a musician's words.
    remedy:   what to do about it; empty if nothing can be done.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        # What is quoted of a model's files and names may hold what is no Unicode; no reply or log could carry it.
        sentence, remedy = (text.encode("utf-8", "replace").decode("utf-8") for text in (sentence, remedy))
        super().__init__(f"{sentence} {remedy}".strip())
        self.sentence = sentence
        self.remedy = remedy


class CannotRender(EngineError):
    """This engine, checkpoint or song cannot fulfil the request; retrying will not help."""


class RanOutOfMemory(CannotRender):
    """The device ran out of memory during a render; the process and all it holds should be discarded."""


class NotLoaded(EngineError):
    """The engine's weights are missing or incomplete, or do not fit the machine."""


class RenderStopped(EngineError):
    """`should_stop` returned true; nothing rendered so far may become a take."""

    def __init__(self) -> None:
        super().__init__("The render was cancelled.")
