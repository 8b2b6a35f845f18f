"""Which part of a song a repaint hears: the network's window, laid around the region."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SoundWindow:
    """Frames [first, end) of the song, at its rate; `end - first` is at most what the network makes at once."""

    first: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.first


def window_around(start: int, end: int, song_frames: int, room: int, most: int | None = None) -> SoundWindow:
    """The window around frames [start, end): as much of the song on both sides as fits, evenly where there is enough.

    room: frames of the longest window. most: of the song on each side; None = as much as fits.
    Raises ValueError if the region itself does not fit.
    """
    spare = room - (end - start)
    if spare < 0:
        raise ValueError(f"a region of {end - start} frames does not fit into {room}")
    before, after = max(0, start), max(0, song_frames - end)
    if most is not None:
        before, after = min(before, most), min(after, most)
    if before + after > spare:
        before = min(before, max(spare // 2, spare - after))
        after = min(after, spare - before)
    return SoundWindow(start - before, end + after)
