"""Maps a region of project samples to frames of 4096 samples at 44.1 kHz, and cuts it out again.

A frame is no whole number of samples at most project rates, so positions are fractions until they are rounded: regions
outwards to whole frames, cuts to the sample. The window is everything the network sees, at most 240 s. Needs the
standard library only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from model.errors import CannotRender

RATE = 44_100
FRAME = 4096
"""Samples of a frame at 44.1 kHz: 92.88 ms."""
MIN_FRAMES = 54
"""5 s: shorter windows are filled up, with song or with music that is thrown away."""
MAX_FRAMES = 2585
"""240 s, the longest the network was trained on, and the frames that its ends share."""
SECONDS = FRAME / RATE
MAX_SECONDS = 240


@dataclass(frozen=True)
class FrameWindow:
    """The network's window and the wanted audio inside it; positions are project samples from the song's first.

    first, frames: the window, on the grid that begins at `origin`. song: half-open frames with song, counted from the
    window's first; (0, 0) without one. region: half-open frames to make anew. wanted: half-open samples to return.
    """

    rate: int
    origin: int
    first: int
    frames: int
    song: tuple[int, int]
    region: tuple[int, int]
    wanted: tuple[int, int]

    @property
    def seconds(self) -> float:
        return self.frames * SECONDS

    def begin(self, frame: int) -> Fraction:
        """Where a frame of the window begins, in project samples."""
        return self.origin + Fraction((self.first + frame) * FRAME * self.rate, RATE)

    @property
    def wanted_frames(self) -> tuple[int, int]:
        """Half-open frames of the window that contain the wanted samples, one more on each side for resampling."""
        low = _floor(self.wanted[0] - self.origin, self.rate) - self.first - 1
        high = _ceil(self.wanted[1] - self.origin, self.rate) - self.first + 1
        return max(0, low), min(self.frames, high)

    @property
    def whole(self) -> bool:
        """Whether everything in the window is made anew."""
        return self.region == (0, self.frames)


def plan_frames(
    start: int,
    end: int,
    song_samples: int,
    rate: int,
    *,
    handle: int = 0,
    surround_seconds: float | None = None,
    everything: bool = False,
) -> FrameWindow:
    """The window for the region [start, end) of a song of `song_samples` samples (0: no song).

    handle: extra samples on each side; made anew only where there is no song. surround_seconds: song on each side; None
    = as much as fits. everything: the whole window is made anew. Raises CannotRender if the region is too long.
    """
    if end <= start:
        raise ValueError(f"region {start}..{end} must contain at least one sample")
    wanted = (start - handle, end + handle)
    origin = 0 if song_samples else wanted[0]
    fresh = (wanted[0] if start <= 0 else start, wanted[1] if end >= song_samples else end)
    region = _floor(fresh[0] - origin, rate), _ceil(fresh[1] - origin, rate)
    core = min(region[0], _floor(wanted[0] - origin, rate)), max(region[1], _ceil(wanted[1] - origin, rate))
    _refuse_too_long(core[1] - core[0])
    song = (0, _ceil(song_samples, rate))
    core = _with_margin(core, song)
    if core[0] < 0:
        region = core[0], region[1]  # there is no song that could be kept
    first, last = _widened(core, song, surround_seconds)
    frames = max(last - first, MIN_FRAMES)
    if region[1] == last and region[1] >= song[1]:
        region = region[0], first + frames
    inside = max(song[0], first) - first, min(song[1], first + frames) - first
    return FrameWindow(
        rate=rate,
        origin=origin,
        first=first,
        frames=frames,
        song=inside if inside[0] < inside[1] else (0, 0),
        region=(0, frames) if everything else (region[0] - first, region[1] - first),
        wanted=wanted,
    )


def _floor(samples: int, rate: int) -> int:
    return samples * RATE // (rate * FRAME)


def _ceil(samples: int, rate: int) -> int:
    return -(-samples * RATE // (rate * FRAME))


def _widened(core: tuple[int, int], song: tuple[int, int], seconds: float | None) -> tuple[int, int]:
    """The core with as much of the wanted song on each side as fits, and the shortest window if there is so much."""
    before, after = max(0, core[0] - song[0]), max(0, song[1] - core[1])
    if seconds is not None:
        most = math.ceil(seconds / SECONDS)
        short = max(0, MIN_FRAMES - (core[1] - core[0]) - min(before, most) - min(after, most))
        before, after = min(before, most + short), min(after, most + short)
    room = MAX_FRAMES - (core[1] - core[0])
    if before + after > room:
        before, after = _shared(room, before, after)
    return core[0] - before, core[1] + after


def _shared(room: int, before: int, after: int) -> tuple[int, int]:
    """Both sides within `room`: equal shares, and one side's surplus goes to the other."""
    half = room // 2
    if after <= half:
        return room - after, after
    least = min(before, half)
    return least, room - least


def _with_margin(core: tuple[int, int], song: tuple[int, int]) -> tuple[int, int]:
    """One more frame on each side for resampling, but not before a start at the grid's own, nor after the song."""
    if core[1] - core[0] + 2 > MAX_FRAMES:
        return core
    return core[0] - (core[0] != 0), core[1] + (core[1] < song[1])


def _refuse_too_long(frames: int) -> None:
    """The bridge keeps the seconds within the limit; whole frames around them may still be one too many."""
    if frames > MAX_FRAMES:
        raise CannotRender(
            f"The region and its handles are {frames * SECONDS:.1f} s long; ACE-Step v1 renders at most "
            f"{MAX_SECONDS} s at once.",
            "Select a shorter region, or render it in parts.",
        )
