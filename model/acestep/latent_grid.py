"""Maps a region of samples to the network's grid of 40 ms latent frames, and cuts it out again.

Half-open regions at any sample extend to whole frames; the render is cut to the sample afterwards. All positions are
samples at the *project's* rate, counted from the first sample of the song: a latent frame is rate / 25 samples at every
rate a DAW uses, so no position is ever rounded. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass

from model.errors import CannotRender

MODEL_RATE = 48_000
HOP = 1_920
"""Samples per latent frame at the model's rate."""
FRAMES_PER_SECOND = 25
CODES_PER_SECOND = 5
MAX_CODE = 63_999
"""Of the audio codes a song can be planned in; the planner's vocabulary has a few more, which are unused."""
MIN_FRAMES = 128
"""5.12 s: the shortest window the network gets."""
MAX_FRAMES = 15_000
"""600 s: the length of the stored silence, and the longest window the network was trained on."""


@dataclass(frozen=True)
class Window:
    """The network's window, and the wanted audio inside it.

    rate:     samples per second of all sample positions.
    origin:   position of the first sample of frame 0; negative if it is before the song.
    frames:   frames of the window, MIN_FRAMES..MAX_FRAMES.
    region:   half-open frames to re-render: those that contain a sample of the region.
    source:   half-open frames with song audio, possibly none (first == end).
    wanted:   half-open positions of the audio to return: the region and its handles.
    """

    rate: int
    origin: int
    frames: int
    region: tuple[int, int]
    source: tuple[int, int]
    wanted: tuple[int, int]

    @property
    def hop(self) -> int:
        """Project samples per latent frame."""
        return self.rate // FRAMES_PER_SECOND

    @property
    def samples(self) -> int:
        """Project samples of the whole window."""
        return self.frames * self.hop

    @property
    def cut(self) -> slice:
        """The wanted samples within the decoded window (at the project's rate)."""
        return slice(self.wanted[0] - self.origin, self.wanted[1] - self.origin)

    @property
    def song_frames(self) -> tuple[int, int]:
        """The source frames counted from the song's first: with a song, the window is on its grid."""
        first = self.origin // self.hop
        return first + self.source[0], first + self.source[1]

    @property
    def wanted_frames(self) -> tuple[int, int]:
        """Half-open frames that contain the wanted samples, and so must be decoded."""
        return (self.wanted[0] - self.origin) // self.hop, -((self.origin - self.wanted[1]) // self.hop)


def hop_of(rate: int) -> int:
    """Project samples per latent frame. Every project rate is a multiple of 25."""
    assert rate > 0, rate
    assert rate % FRAMES_PER_SECOND == 0, rate
    return rate // FRAMES_PER_SECOND


def plan_window(
    start: int,
    end: int,
    song_samples: int,
    rate: int,
    *,
    handle: int = 0,
    surround_seconds: float | None = None,
    ending: bool = False,
) -> Window:
    """The window for the region [start, end) of a song of `song_samples` samples (0: no song).

    handle: extra samples wanted on each side of the region; re-rendered only where there is no song.
    surround_seconds: song context on each side; None = as much as the longest window allows.
    ending: the song ends with the region, so silence may follow it.
    The grid starts with the song, so that equal songs encode to equal frames whatever the region; without a song it
    starts with the region. Raises CannotRender if the region is longer than the network can render.
    """
    hop = hop_of(rate)
    if end <= start:
        raise ValueError(f"region {start}..{end} must contain at least one sample")
    wanted = (start - handle, end + handle)
    grid = 0 if song_samples else wanted[0]
    fresh = (wanted[0] if start <= 0 else start, wanted[1] if end >= song_samples else end)
    region = (fresh[0] - grid) // hop, _up(fresh[1] - grid, hop)
    core = min(region[0], (wanted[0] - grid) // hop), max(region[1], _up(wanted[1] - grid, hop))
    _refuse_too_long(core[1] - core[0])
    song = (0, _up(song_samples, hop))
    first, last = _widened(core, song, surround_seconds)
    # Silence after the end fills up to the minimum, as in the reference implementation.
    frames = max(last - first, MIN_FRAMES)
    if region[1] == last and region[1] >= song[1] and not ending:
        region = region[0], first + frames  # silence right after the region would prompt an ending
    return Window(
        rate=rate,
        origin=grid + first * hop,
        frames=frames,
        region=(region[0] - first, region[1] - first),
        source=_overlap(song, (first, last)),
        wanted=wanted,
    )


def _overlap(song: tuple[int, int], window: tuple[int, int]) -> tuple[int, int]:
    """The song's frames within the window, counted from the window's first; (0, 0) if there are none."""
    first, end = max(song[0], window[0]), min(song[1], window[1])
    return (first - window[0], end - window[0]) if first < end else (0, 0)


def _widened(region: tuple[int, int], song: tuple[int, int], seconds: float | None) -> tuple[int, int]:
    """The region with as much of the requested song context on each side as fits; frames on the song's grid."""
    before, after = max(0, region[0] - song[0]), max(0, song[1] - region[1])
    if seconds is not None:
        limit = _up(round(seconds * 1_000_000), 1_000_000 // FRAMES_PER_SECOND)
        before, after = min(before, limit), min(after, limit)
    room = MAX_FRAMES - (region[1] - region[0])
    before, after = _shared(room, before, after)
    if seconds is not None:
        before, after = _least(region, song, before, after)
    return region[0] - before, region[1] + after


def _shared(room: int, before: int, after: int) -> tuple[int, int]:
    """Both sides within `room`: equal shares, and one side's surplus goes to the other."""
    if before + after <= room:
        return before, after
    half = room // 2
    if before <= half:
        return before, room - before
    if after <= half:
        return room - after, after
    return half, room - half


def _least(region: tuple[int, int], song: tuple[int, int], before: int, after: int) -> tuple[int, int]:
    """Adds song, rather than silence, if a short context would leave less than the network's minimum."""
    missing = MIN_FRAMES - (region[1] - region[0] + before + after)
    if missing <= 0:
        return before, after
    more_after = min(missing, max(0, song[1] - region[1] - after))
    more_before = min(missing - more_after, max(0, region[0] - song[0] - before))
    return before + more_before, after + more_after


def _refuse_too_long(frames: int) -> None:
    """The bridge keeps the seconds within the limit; whole frames around them may still be one too many."""
    if frames <= MAX_FRAMES:
        return
    raise CannotRender(
        f"The region and its handles are {frames / FRAMES_PER_SECOND:.1f} s long; "
        f"the model renders at most {MAX_FRAMES // FRAMES_PER_SECOND} s at once.",
        "Select a shorter region, or render it in parts.",
    )


def _up(samples: int, hop: int) -> int:
    """Number of whole frames that contain `samples`."""
    return -(-samples // hop)
