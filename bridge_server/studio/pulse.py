"""How often the two ends of an engine link show that they live, and how long nothing may arrive."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pulse:
    """How the two ends notice that the other has gone: a sign of life every so many seconds, and how long nothing may
    arrive.
    """

    every: float = 0.5
    lost_after: float = 1.5


PULSE = Pulse()
"""Noticed within 2 s."""
