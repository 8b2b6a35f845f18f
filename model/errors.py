"""The errors an engine raises. Every message is written for the producer."""

from __future__ import annotations

MAX_SENTENCE = 900


class EngineError(Exception):
    """Base of every deliberate engine error.

    sentence: what was wrong and where, in a musician's words.
    remedy:   what to do about it; empty if nothing can be done.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        sentence, remedy = _readable(sentence), _readable(remedy)
        super().__init__(f"{sentence} {remedy}".strip())
        self.sentence = sentence
        self.remedy = remedy


def _readable(text: str) -> str:
    """The text with "?" for what is no Unicode, which no reply or log could carry, and without its middle where it is
    too long to read: what is quoted of a model's files and names may be both."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    half = MAX_SENTENCE // 2
    return text if len(text) <= MAX_SENTENCE else f"{text[: half - 1]}…{text[-half:]}"


class CannotRender(EngineError):
    """This engine, checkpoint or song cannot fulfil the request; retrying will not help."""


class RanOutOfMemory(CannotRender):
    """The device ran out of memory during a render; the process and all it holds should be discarded."""


class DeviceUnusable(CannotRender):
    """The process cannot use its device any more; it and all it holds should be discarded."""


class RenderRejected(EngineError):
    """What came of the render is not what was asked for; another try may give it."""


class RenderLost(EngineError):
    """Another program that was rendering is gone, or knows nothing of the render any more; it can be asked again."""


class NotLoaded(EngineError):
    """The engine's weights are missing or incomplete, or do not fit the machine."""


class RenderStopped(EngineError):
    """`should_stop` returned true; nothing rendered so far may become a take."""

    def __init__(self) -> None:
        super().__init__("The render was cancelled.")


def first_line(error: BaseException, *, without: str = ".") -> str:
    """What a library's error says at first, without these marks at the end; the error's kind where it says nothing."""
    return (str(error).splitlines() or [""])[0].rstrip(without) or type(error).__name__
