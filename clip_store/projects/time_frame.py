"""Two clocks at once: the timeline's seconds, and the beats or seconds inside a clip. Pure and exact."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction

from clip_store.exports.tempo_from_zero import point_seconds
from daw_protocol.timeline import TempoMap

BEATS, SECONDS = "beats", "seconds"


class BeatClock:
    """Beats (quarter notes) and seconds of a timeline whose tempo changes in steps; both begin at its zero."""

    def __init__(self, tempo_map: TempoMap) -> None:
        self._points = tempo_map.points
        self._beats = [point.quarter for point in tempo_map.points]
        self._seconds = point_seconds(tempo_map)

    def seconds_at(self, beats: Fraction) -> Fraction:
        index = max(0, bisect_right(self._beats, beats) - 1)
        return self._seconds[index] + 60 * (beats - self._beats[index]) / self._points[index].bpm

    def beats_at(self, seconds: Fraction) -> Fraction:
        index = max(0, bisect_right(self._seconds, seconds) - 1)
        return self._beats[index] + (seconds - self._seconds[index]) * self._points[index].bpm / 60

    def is_steady(self, start: Fraction, end: Fraction) -> bool:
        """Whether the tempo is the same everywhere from `start` to `end`, in seconds."""
        first = max(0, bisect_right(self._seconds, start) - 1)
        inside = [
            point
            for point, when in zip(self._points[first:], self._seconds[first:], strict=True)
            if when < end
        ]
        return all(point.bpm == inside[0].bpm for point in inside)


@dataclass(frozen=True)
class TimeFrame:
    """A stretch of the timeline, [start, end) in seconds, in which content runs, from `at` on, in units of `unit`."""

    clock: BeatClock
    unit: str
    at: Fraction
    start: Fraction
    end: Fraction

    def seconds(self, content: Fraction) -> Fraction:
        """When a place of the content plays, in seconds of the timeline; within the stretch or not."""
        if self.unit == SECONDS:
            return self.start + content - self.at
        return self.clock.seconds_at(self.clock.beats_at(self.start) + content - self.at)

    def inside(self, unit: str, at: Fraction, start: Fraction, end: Fraction) -> TimeFrame:
        """Content of its own in the same clock: place `at` of it plays at `start`."""
        return TimeFrame(self.clock, unit, at, start, end)

    def since(self, start: Fraction) -> TimeFrame:
        """The same without what plays before `start`, in seconds of the timeline."""
        if start <= self.start:
            return self
        if self.unit == SECONDS:
            gone = start - self.start
        else:
            gone = self.clock.beats_at(start) - self.clock.beats_at(self.start)
        return TimeFrame(self.clock, self.unit, self.at + gone, start, self.end)

    def is_steady(self, start: Fraction, end: Fraction) -> bool:
        """Whether the content's units are as long everywhere from `start` to `end`, in seconds of the timeline."""
        return self.unit == SECONDS or self.clock.is_steady(start, end)
