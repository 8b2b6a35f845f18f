"""What is known of a song without reading its sound: what the header of its file says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from clip_store.audio.audio_file import AudioInfo
from daw_protocol.requests import LEAST_ASSUMED_RATE, PROJECT_RATES

PULL_DOWN = 0.998
"""A little more than film's 0.1 %, in which rates such as 47,952 Hz differ from the usual ones."""


@dataclass(frozen=True)
class SongProbe:
    """A song's figures: from a header when a request arrives, from its samples when it is rendered.

    frames, channels: at `rate`, in hertz.
    counted:      whether `frames` is certain. Headers of MP3 files only estimate it.
    music_frames: how many of them are music: the rest, at the end, is the last chord ringing out, or silence.
                  None until the samples have been read.
    begins:       of the first of these frames, from the song's own first: before it where a lead-in is accepted.
    stamp:        where its file, or the take it comes from, puts its first sample: seconds from the timeline's zero;
                  None without one.
    notes:        what a producer should know of how the file was read.
    """

    frames: int
    rate: int
    channels: int
    counted: bool = True
    music_frames: int | None = None
    begins: int = 0
    stamp: Fraction | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, info: AudioInfo) -> SongProbe:
        """What a header says."""
        return cls(
            info.frames, info.rate, info.channels, info.counted, stamp=stamp_of(info), notes=info.notes
        )

    def at_rate(self, rate: int | None) -> SongProbe:
        """The same song at the project's rate; None: none was asked for."""
        wanted = project_rate(self.rate) if rate is None else rate
        if wanted == self.rate:
            return self
        frames = converted_frames(self.frames, self.rate, wanted)
        return replace(self, frames=frames, rate=wanted, notes=(*self.notes, _converted(self.rate, wanted)))


def project_rate(file_rate: int) -> int:
    """The rate of a song's project where none was asked for, in hertz.

    The file's own if DAWs have it. Else the song is converted: a low one to 44,100 where that is a multiple, to 48,000
    otherwise; any other to the next higher (a rate pulled down by a tenth of a percent for film counts as that rate).
    """
    usual = [rate for rate in PROJECT_RATES if rate >= LEAST_ASSUMED_RATE]
    if file_rate in usual:
        return file_rate
    if file_rate < LEAST_ASSUMED_RATE * PULL_DOWN:
        return 44_100 if 44_100 % file_rate == 0 else 48_000
    near = [rate for rate in usual if abs(rate - file_rate) <= rate * (1 - PULL_DOWN)]
    above = [rate for rate in usual if rate > file_rate]
    if near or above:
        return (near or above)[0]
    return 176_400 if file_rate % 44_100 == 0 else 192_000


def _converted(file_rate: int, rate: int) -> str:
    return (
        f"The song was converted from {file_rate} to {rate} Hz. Outside the region, takes equal the converted song, "
        "bit for bit."
    )


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
