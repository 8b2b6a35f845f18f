"""The signs of life of an engine link."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pulse:
    """How the two ends notice that the other has gone: a sign of life every so many seconds, and how long one may go
    unanswered.
    """

    every: float = 0.5
    lost_after: float = 1.5


PULSE = Pulse()
"""Noticed within 2 s."""
