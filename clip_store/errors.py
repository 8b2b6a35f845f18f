"""What the store can say when something cannot be read, kept or placed, in words for the producer."""

from __future__ import annotations


class ClipStoreError(Exception):
    """Base of everything this package raises on purpose.

    sentence: what was wrong and where, in words a musician can follow.
    remedy:   what to do about it; empty when nothing can be done.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        # File names may hold bytes that are no text; no reply or log could carry them.
        sentence, remedy = (text.encode("utf-8", "replace").decode("utf-8") for text in (sentence, remedy))
        super().__init__(f"{sentence} {remedy}".strip())
        self.sentence = sentence
        self.remedy = remedy


class AudioFileError(ClipStoreError):
    """A sound file cannot be used: missing, empty, cut off, not audio, or of a kind we cannot hold."""


class StoreError(ClipStoreError):
    """The store itself cannot do its work: disk full, folder read-only, a file in it damaged or gone."""


class TakeError(ClipStoreError):
    """A take was named that the index does not know, or a choice was asked for that does not exist."""


class SpliceError(ClipStoreError):
    """A render does not fit the place it was made for: wrong length, wrong channels, or not a number."""


class ProjectError(ClipStoreError):
    """A project from a DAW cannot be used: damaged, or with something in it that cannot be read exactly."""
