"""Another clock, read now and then: what it shows at any time, and how fast it runs against ours. Pure.

Each reading is late by the delay of its message, which varies; the median of many is steadier than any single one.
"""

from __future__ import annotations

from collections import deque

import numpy as np

STEADY_SECONDS = 2.0  # readings that determine its offset
DRIFT_SECONDS = 60.0  # readings that determine its speed
MIN_DRIFT_SECONDS = 5.0  # less says more about the messages than about the clock
JUMP_SECONDS = 0.08  # further off than any message is late: the clock was moved


class ClockEstimate:
    """A clock that runs at roughly `speed` units of its own per second of ours."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._readings: deque[tuple[float, float]] = deque()
        self._strays: list[tuple[float, float]] = []

    def add(self, when: float, shown: float) -> bool:
        """Adds a reading, at `when` in our seconds. False if the clock was moved: older readings are dropped."""
        if self._readings and abs(shown - self._at(when)) > JUMP_SECONDS * self.speed:
            # One message may be late; two that agree are not.
            self._strays.append((when, shown))
            if len(self._strays) < 2 or not self._agree(self._strays[-2], self._strays[-1]):
                return True
            self._readings = deque(self._strays[-2:])
            self._strays = []
            return False
        self._strays = []
        self._readings.append((when, shown))
        while when - self._readings[0][0] > DRIFT_SECONDS:
            self._readings.popleft()
        return True

    def at(self, when: float) -> float | None:
        """What it shows at a time; None before the first reading."""
        return self._at(when) if self._readings else None

    def age(self, when: float) -> float:
        """Seconds since the last reading; infinite before the first."""
        return when - self._readings[-1][0] if self._readings else float("inf")

    @property
    def drift_ppm(self) -> float | None:
        """How much faster it runs than its speed, in millionths; None until there are enough readings."""
        if not self._readings or self._readings[-1][0] - self._readings[0][0] < MIN_DRIFT_SECONDS:
            return None
        when, shown = (np.array(column) for column in zip(*self._readings, strict=True))
        slope = np.polyfit(when - when[0], shown - shown[0], 1)[0]
        return float((slope / self.speed - 1) * 1e6)

    def _at(self, when: float) -> float:
        last = self._readings[-1][0]
        ahead = [shown - then * self.speed for then, shown in self._readings if last - then <= STEADY_SECONDS]
        return float(np.median(ahead)) + when * self.speed

    def _agree(self, one: tuple[float, float], other: tuple[float, float]) -> bool:
        expected = one[1] + (other[0] - one[0]) * self.speed
        return abs(other[1] - expected) <= JUMP_SECONDS * self.speed
