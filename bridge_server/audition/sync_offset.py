"""In time with the DAW: readings of its transport, and whether what is heard has to be moved. Pure.

All positions are samples of the timeline.
"""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass, field

from bridge_server.audition.clock_estimate import ClockEstimate

# The middle of so many comparisons is taken for the offset: the device asks for samples in blocks, and messages
# come when they like, so that a single one may be several milliseconds off.
COMPARED = 24
# Less than this is held: it is below what is heard as two, and each correction costs a short crossfade.
HELD_SECONDS = 0.004
AT_ONCE_SECONDS = 0.1


@dataclass
class SyncOffset:
    """One transport that is followed. patience: seconds without a reading after which it counts as stopped."""

    what: str
    rate: int
    patience: float = float("inf")
    rolling: bool = False
    _line: ClockEstimate = field(init=False)
    _offsets: deque[float] = field(default_factory=lambda: deque(maxlen=COMPARED))

    def __post_init__(self) -> None:
        self._line = ClockEstimate(self.rate)

    def reading(self, when: float, position: int, rolling: bool) -> None:
        """The transport was at `position` at `when`, in seconds of time.perf_counter."""
        if rolling != self.rolling:
            self._begin_anew()
        self.rolling = rolling
        if not self._line.add(when, position):
            self._offsets.clear()
        if not rolling:
            self._begin_anew()
            self._line.add(when, position)

    def moves(self, when: float) -> bool:
        """Whether it is running."""
        return self.rolling and self._line.age(when) <= self.patience

    def position(self, when: float) -> float | None:
        """Where it is; None before anything was heard of it."""
        return self._line.at(when)

    def compare(self, when: float, heard: float) -> bool:
        """Takes note of what is heard at `when`; True when it is to be moved to where the transport is."""
        theirs = self._line.at(when)
        if theirs is None:
            return False
        offset = (heard - theirs) / self.rate
        self._offsets.append(offset)
        if abs(offset) > AT_ONCE_SECONDS and len(self._offsets) < COMPARED:
            return len(self._offsets) >= 2 and abs(self._offsets[-2]) > AT_ONCE_SECONDS
        return len(self._offsets) == COMPARED and abs(statistics.median(self._offsets)) > HELD_SECONDS

    def moved(self) -> None:
        """What is heard has been moved: earlier comparisons say nothing about it."""
        self._offsets.clear()

    @property
    def offset_ms(self) -> float | None:
        """How far what is heard is ahead of the transport."""
        return round(statistics.median(self._offsets) * 1000, 2) if self._offsets else None

    @property
    def drift_ppm(self) -> float | None:
        """How much faster the transport runs than this machine's clock."""
        drift = self._line.drift_ppm
        return None if drift is None else round(max(-1e6, min(1e6, drift)), 1)

    def _begin_anew(self) -> None:
        self._line = ClockEstimate(self.rate)
        self._offsets.clear()
