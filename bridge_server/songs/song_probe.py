"""What is known of a song without reading its sound: what the header of its file says."""

from __future__ import annotations

from dataclasses import dataclass, replace

from clip_store.audio.audio_file import AudioInfo


@dataclass(frozen=True)
class SongProbe:
    """A song's figures: from a header when a request arrives, from its samples when it is rendered.

    frames, channels: at `rate`, in hertz.
    counted:      whether `frames` is certain. Headers of MP3 files only estimate it.
    music_frames: how many of them are music: the rest, at the end, is the last chord ringing out, or silence.
                  None until the samples have been read.
    """

    frames: int
    rate: int
    channels: int
    counted: bool = True
    music_frames: int | None = None

    @classmethod
    def of(cls, info: AudioInfo) -> SongProbe:
        """What a header says."""
        return cls(info.frames, info.rate, info.channels, info.counted)

    def at_rate(self, rate: int | None) -> SongProbe:
        """The same song at the project's rate; None: the project has the song's own."""
        if rate is None or rate == self.rate:
            return self
        return replace(self, frames=converted_frames(self.frames, self.rate, rate), rate=rate)


def converted_frames(frames: int, rate: int, project_rate: int) -> int:
    """How many frames a song has once it is converted to the project's rate."""
    return round(frames * project_rate / rate)
