"""What the double of Pro Tools has open: tracks, clips, selections. It knows no protocol; pro_tools_double.py does."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

TABLE = "CHANNEL \tEVENT   \tCLIP NAME  \tSTART TIME    \tEND TIME      \tDURATION      \tSTATE"

Audio = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass
class Channel:
    """A clip of the clip list: one channel of a file. An interleaved stereo file becomes two."""

    id: str
    name: str
    samples: Audio


@dataclass
class Clip:
    """A channel on a track. lane: which of the track's channels plays it."""

    channel: Channel
    position: int
    lane: int

    @property
    def end(self) -> int:
        return self.position + len(self.channel.samples)


@dataclass
class Track:
    """kind: the protocol's name behind TT_. gain: its fader."""

    id: str
    name: str
    kind: str = "Audio"
    channels: int = 2
    clips: list[Clip] = field(default_factory=list)
    muted: bool = False
    gain: float = 1.0
    selected: bool = False
    edit_selected: bool = False

    def sound(self, first: int, last: int, fader: bool) -> Audio:
        """Its samples in a range of the timeline; mute does not keep a track from being bounced."""
        found = np.zeros((last - first, self.channels))
        for clip in self.clips:
            start, end = max(first, clip.position), min(last, clip.end)
            if start < end:
                part = clip.channel.samples[start - clip.position : end - clip.position]
                found[start - first : end - first, clip.lane] = part
        return found * (self.gain if fader else 1.0)

    def cover(self, position: int, end: int, lane: int) -> None:
        """Pro Tools has one playlist a track: what comes later replaces what is under it."""
        kept = []
        for clip in self.clips:
            if clip.lane != lane or clip.end <= position or clip.position >= end:
                kept.append(clip)
                continue
            for first, last in ((clip.position, position), (end, clip.end)):
                if first < last:
                    part = clip.channel.samples[first - clip.position : last - clip.position]
                    kept.append(Clip(Channel(clip.channel.id, clip.channel.name, part), first, lane))
        self.clips = kept


@dataclass
class Session:
    """An open session. timeline, edit: selections in samples; linked: whether one moves the other."""

    folder: Path
    rate: int = 48_000
    bits: str = "Bit24"
    name: str = "My song"
    tracks: list[Track] = field(default_factory=list)
    timeline: tuple[int, int] = (0, 0)
    edit: tuple[int, int] = (0, 0)
    linked: bool = True
    transport: str = "TS_TransportStopped"
    bin: dict[str, Channel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)

    def new_id(self) -> str:
        number = next(self._numbers)
        return f"{{00000000-2a000000-{number:08x}-00000000}}"

    def add_track(self, name: str, kind: str = "Audio", channels: int = 2) -> Track:
        """A name that is taken gets a number behind it."""
        taken = {track.name for track in self.tracks}
        names = itertools.chain([name], (f"{name}.{number}" for number in itertools.count(1)))
        track = Track(self.new_id(), next(free for free in names if free not in taken), kind, channels)
        self.tracks.append(track)
        return track

    def import_file(self, path: Path) -> list[Channel]:
        """The file's channels in the clip list. Reads it where it lies: nothing is copied."""
        samples, _ = soundfile.read(path, always_2d=True)
        sides = ("",) if samples.shape[1] == 1 else (".L", ".R")
        made = [Channel(self.new_id(), path.stem + side, samples[:, n]) for n, side in enumerate(sides)]
        self.bin |= {channel.id: channel for channel in made}
        return made

    def spot(self, clips: list[Channel], track: Track, position: int) -> None:
        for lane, channel in enumerate(clips):
            track.cover(position, position + len(channel.samples), lane)
            track.clips.append(Clip(channel, position, lane))

    def select(self, start: int, end: int) -> None:
        """As the producer does it in the Edit window."""
        self.edit = (start, end)
        if self.linked:
            self.timeline = (start, end)

    def as_text(self) -> str:
        """Session Info as Text with the tracks' clips, in samples."""
        lines = [
            f"SESSION NAME:\t{self.name}",
            f"SAMPLE RATE:\t{self.rate}.000000",
            "",
            "",
            "T R A C K  L I S T I N G",
        ]
        for track in self.tracks:
            shown = track.name if track.channels == 1 else f"{track.name} (Stereo)"
            lines += [f"TRACK NAME:\t{shown}", "COMMENTS:\t", "USER DELAY:\t0 Samples"]
            lines += [f"STATE: {'Muted' if track.muted else ''}"]
            lines += [TABLE]
            for number, clip in enumerate(
                sorted(track.clips, key=lambda clip: (clip.lane, clip.position)), 1
            ):
                length = clip.end - clip.position
                lines.append(
                    f"{clip.lane + 1:<8}\t{number:<8}\t{clip.channel.name:<30}\t{clip.position:>12}\t{clip.end:>12}\t"
                    f"{length:>12}\tUnmuted"
                )
            lines += ["", ""]
        return "\n".join(lines)
