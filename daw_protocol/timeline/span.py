"""A range of the timeline: half-open, in whole samples at the project rate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Span:
    """[start, end) in samples. Empty spans are allowed; negative lengths are not.

    Raises TypeError for anything but integers, ValueError when end < start.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{name} must be a whole number of samples, got {value!r}")
        if self.end < self.start:
            raise ValueError(f"end {self.end} is before start {self.start}")

    @property
    def length(self) -> int:
        """Number of samples."""
        return self.end - self.start

    def shifted(self, samples: int) -> Span:
        return Span(self.start + samples, self.end + samples)

    def grown(self, before: int, after: int) -> Span:
        """The span extended by `before` samples at the start and `after` samples at the end."""
        return Span(self.start - before, self.end + after)

    def clipped(self, other: Span) -> Span:
        """The part inside `other`; if they do not overlap, an empty span at the nearer edge."""
        start = min(max(self.start, other.start), other.end)
        return Span(start, max(start, min(self.end, other.end)))
