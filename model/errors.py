"""What an engine can say when it does not render. Every message is written for the producer."""

from __future__ import annotations


class EngineError(Exception):
    """Base of everything an engine raises on purpose.

    sentence: what was wrong and where, in words a musician can follow.
    remedy:   what to do about it; empty when nothing can be done.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(f"{sentence} {remedy}".strip())
        self.sentence = sentence
        self.remedy = remedy


class CannotRender(EngineError):
    """The request asks for something this engine, checkpoint or song cannot give; asking again will not help."""


class RanOutOfMemory(CannotRender):
    """The device was full in the middle of a render; what the process still holds is of no use to anybody."""


class NotLoaded(EngineError):
    """The engine's weights are missing, incomplete or do not fit the machine."""


class RenderStopped(EngineError):
    """`should_stop` answered yes; nothing that was rendered so far may be used as a take."""

    def __init__(self) -> None:
        super().__init__("The render was cancelled.")
