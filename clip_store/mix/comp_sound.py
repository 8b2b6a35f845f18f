"""A run of parts that need crossfades where they meet, as one sound: what a project or a player has in their place."""

from __future__ import annotations

from dataclasses import dataclass

from clip_store.audio.audio import Audio, quantise
from clip_store.blobs import BlobStore
from clip_store.comp import Comp, Part
from clip_store.mix.accepted import AcceptedSong
from clip_store.mix.comp_lane import CompLane
from clip_store.mix.joins import joins_of
from clip_store.mix.song_mix import encoding_of
from daw_protocol.timeline.span import Span


@dataclass(frozen=True, eq=False)
class CompSound:
    """Parts that touch, from the first one's start to the last one's end, in samples from the song's first.

    covers: they take the song's place; otherwise they play with it.
    """

    accepted: AcceptedSong
    parts: Comp
    covers: bool

    @property
    def span(self) -> Span:
        return Span(self.parts[0].start, self.parts[-1].end)

    @property
    def takes(self) -> tuple[str, ...]:
        """The ids of its takes, each once."""
        return tuple(dict.fromkeys(part.take for part in self.parts))

    def read(self, blobs: BlobStore) -> Audio:
        """Its samples, as the mix has them. For a thread. Raises StoreError when audio is missing or damaged."""
        song = blobs.wave(self.accepted.song)
        clips = {take: blobs.wave(self.accepted.takes[take].audio) for take in self.takes}
        encoding = encoding_of(song, clips.values(), adds=not self.covers)
        base = song if self.covers else None
        lane = CompLane(self.accepted, self.parts, base, clips, encoding, song.form.channels)
        return quantise(lane.read(self.span), song.form.rate, encoding).audio


def sounds_of(accepted: AcceptedSong) -> tuple[list[CompSound], Comp]:
    """What is accepted, as runs that need crossfades, and the parts that play as they are."""
    sounds: list[CompSound] = []
    plain: list[Part] = []
    for comp, covers in ((accepted.covering, True), *((comp, False) for comp in accepted.adding)):
        crossfades = [join.span for join in joins_of(accepted, comp)]
        for run in runs_of(comp):
            if any(run[0].start <= span.start and span.end <= run[-1].end for span in crossfades):
                sounds.append(CompSound(accepted, run, covers))
            else:
                plain += run
    return sounds, tuple(plain)


def runs_of(comp: Comp) -> list[Comp]:
    """The comp in stretches without a gap."""
    found: list[Comp] = []
    for part in comp:
        if found and found[-1][-1].end == part.start:
            found[-1] = (*found[-1], part)
        else:
            found.append((part,))
    return found
