"""A chord that the producer gave, as an engine sees it: notes on the host's beats, no names to read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GivenChord:
    """From a beat on, until the next one.

    beat:      fractional index into the request's grid.
    name:      as the producer wrote it, for files and receipts.
    root, bass: pitch classes, 0 = C.
    intervals: semitones above the root, ascending from 0; () where no chord plays.
    """

    beat: float
    name: str
    root: int = 0
    bass: int = 0
    intervals: tuple[int, ...] = ()
