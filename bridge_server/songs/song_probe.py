"""What is known of a song without reading its sound: what the header of its file says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from clip_store.audio.audio_file import AudioInfo


@dataclass(frozen=True)
class SongProbe:
    """A song's figures: from a header when a request arrives, from its samples when it is rendered.

    frames, channels: at `rate`, in hertz.
    counted:      whether `frames` is certain. Headers of MP3 files only estimate it.
    music_frames: how many of them are music: the rest, at the end, is the last chord ringing out, or silence.
                  None until the samples have been read.
    stamp:        where its file, or the take it comes from, puts its first sample: seconds from the timeline's zero;
                  None without one.
    """

    frames: int
    rate: int
    channels: int
    counted: bool = True
    music_frames: int | None = None
    stamp: Fraction | None = None

    @classmethod
    def of(cls, info: AudioInfo) -> SongProbe:
        """What a header says."""
        return cls(info.frames, info.rate, info.channels, info.counted, stamp=stamp_of(info))

    def at_rate(self, rate: int | None) -> SongProbe:
        """The same song at the project's rate; None: the project has the song's own."""
        if rate is None or rate == self.rate:
            return self
        return replace(self, frames=converted_frames(self.frames, self.rate, rate), rate=rate)


def stamp_of(info: AudioInfo) -> Fraction | None:
    """A file's time stamp in seconds; None without one that says more than that the file starts at the zero.

    Programs that bounce from before the zero write it as 64 bits with a sign.
    """
    if not info.time_reference:
        return None
    samples = info.time_reference - (1 << 64 if info.time_reference >= 1 << 63 else 0)
    return Fraction(samples, info.rate)


def converted_frames(frames: int, rate: int, project_rate: int) -> int:
    """How many frames a song has once it is converted to the project's rate."""
    return round(frames * project_rate / rate)
