"""What a project for another DAW consists of, whatever file it becomes: sound files, tracks, clips, markers, tempo.

Positions are samples from the project's zero, which is the timeline's zero; nothing lies before it. Values only.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from clip_store.audio.audio import Audio
from clip_store.blobs import BlobStore
from clip_store.mix.comp_sound import CompSound
from clip_store.take import Take
from daw_protocol.ledger import Ledger
from daw_protocol.timeline import Key, TempoMap


@dataclass(frozen=True, eq=False)
class SoundFile:
    """A sound that clips play from; two are the same only if they are one.

    name:     of its file, without ending; safe on every system and unlike every other one's in the project.
    digest:   of its audio in the store; "" for a comp.
    position: of its first sample on the timeline; may be negative.
    take:     whose clip it is; None for the original song, and for a comp.
    comp:     of which takes it is put together with crossfades, if it is.
    xmp:      the XMP packet its file gets; b"" for none.
    """

    name: str
    digest: str
    frames: int
    channels: int
    position: int
    take: Take | None = None
    comp: CompSound | None = None
    xmp: bytes = b""

    def read(self, blobs: BlobStore) -> Audio:
        """Its audio. Raises StoreError when it is missing or damaged."""
        return self.comp.read(blobs) if self.comp else blobs.get(self.digest)

    @property
    def needs(self) -> tuple[str, ...]:
        """Digests of the stored audio it is made of."""
        if self.comp is None:
            return (self.digest,)
        return self.comp.needs


@dataclass(frozen=True)
class Clip:
    """A stretch of a sound file in its place.

    position: of its first sample on the timeline, 0 or later; start: of that sample inside the file.
    muted:    present but silent until unmuted.
    """

    name: str
    file: SoundFile
    position: int
    start: int
    length: int
    muted: bool = False
    comment: str = ""

    def __post_init__(self) -> None:
        if self.position < 0 or self.length < 1:
            raise ValueError(
                f"a clip starts at 0 or later and is not empty, got {self.position}, {self.length}"
            )
        if self.start < 0 or self.start + self.length > self.file.frames:
            raise ValueError(f"clip {self.name!r} leaves its file of {self.file.frames} samples")

    @property
    def end(self) -> int:
        return self.position + self.length


@dataclass(frozen=True)
class Track:
    """Clips that do not overlap, in order of their positions."""

    name: str
    clips: tuple[Clip, ...]
    muted: bool = False

    def __post_init__(self) -> None:
        for before, clip in zip(self.clips, self.clips[1:], strict=False):
            if clip.position < before.end:
                raise ValueError(f"clips overlap on track {self.name!r} at sample {clip.position}")

    @property
    def channels(self) -> int:
        return max((clip.file.channels for clip in self.clips), default=1)


@dataclass(frozen=True)
class Marker:
    """A named place, at sample `position`."""

    name: str
    position: int


@dataclass(frozen=True)
class Project:
    """Everything a project file is made of.

    tempo_map: its quarter 0 is the project's zero.
    comment:   how the sounds came about, for formats with a place for it.
    notes:     what could not be put where it belongs, in sentences for the producer.
    ledger:    whose the song is that plays; each sound file carries it.
    """

    title: str
    rate: int
    tempo_map: TempoMap
    tracks: tuple[Track, ...]
    markers: tuple[Marker, ...] = ()
    keys: tuple[tuple[Fraction, Key], ...] = ()
    comment: str = ""
    notes: tuple[str, ...] = ()
    ledger: Ledger | None = None

    @property
    def files(self) -> tuple[SoundFile, ...]:
        """Every sound file that is played from, in order of its first clip."""
        return tuple(dict.fromkeys(clip.file for track in self.tracks for clip in track.clips))

    @property
    def end(self) -> int:
        """The first sample after the last clip."""
        return max((clip.end for track in self.tracks for clip in track.clips), default=0)
