"""How far playback is from a followed transport, and whether it must move. Pure.

All positions are in samples of the timeline, all times in seconds of time.perf_counter.
"""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass, field

from bridge_server.audition.clock_estimate import ClockEstimate

# The offset is the median of this many comparisons: the device pulls samples in blocks, and messages arrive when they
# like, so that a single comparison may be off by several milliseconds.
COMPARED = 24
# Smaller offsets stay: they are below what one hears as two, and each correction costs a short crossfade.
TOLERATED_SECONDS = 0.004
AT_ONCE_SECONDS = 0.1


@dataclass
class SyncOffset:
    """One followed transport. patience: seconds without a reading after which it counts as stopped."""

    rate: int
    patience: float = float("inf")
    rolling: bool = False
    _estimate: ClockEstimate = field(init=False)
    _offsets: deque[float] = field(default_factory=lambda: deque(maxlen=COMPARED))

    def __post_init__(self) -> None:
        self._estimate = ClockEstimate(self.rate)

    def reading(self, when: float, position: int, rolling: bool) -> None:
        """The transport was at `position` at `when`."""
        if rolling != self.rolling:
            self._restart()
        self.rolling = rolling
        if not self._estimate.add(when, position):
            self._offsets.clear()
        if not rolling:
            self._restart()
            self._estimate.add(when, position)

    def is_rolling(self, when: float) -> bool:
        """Whether it is rolling, and has reported so recently."""
        return self.rolling and self._estimate.age(when) <= self.patience

    def position(self, when: float) -> float | None:
        """Where it is; None before its first reading."""
        return self._estimate.at(when)

    def compare(self, when: float, audible: float) -> bool:
        """Notes the position audible at `when`; True when playback must move to where the transport is."""
        theirs = self._estimate.at(when)
        if theirs is None:
            return False
        offset = (audible - theirs) / self.rate
        self._offsets.append(offset)
        if abs(offset) > AT_ONCE_SECONDS and len(self._offsets) < COMPARED:
            return len(self._offsets) >= 2 and abs(self._offsets[-2]) > AT_ONCE_SECONDS
        return len(self._offsets) == COMPARED and abs(statistics.median(self._offsets)) > TOLERATED_SECONDS

    def moved(self) -> None:
        """Playback has moved: earlier comparisons no longer count."""
        self._offsets.clear()

    @property
    def offset_ms(self) -> float | None:
        """How far playback is ahead of the transport."""
        return round(statistics.median(self._offsets) * 1000, 2) if self._offsets else None

    @property
    def drift_ppm(self) -> float | None:
        """How much faster the transport runs than this machine's clock."""
        drift = self._estimate.drift_ppm
        return None if drift is None else round(max(-1e6, min(1e6, drift)), 1)

    def _restart(self) -> None:
        self._estimate = ClockEstimate(self.rate)
        self._offsets.clear()
