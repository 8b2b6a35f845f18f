"""The song as it stands, in samples: the original where nothing was accepted, bit for bit, and what was accepted.

Never in memory as a whole: whatever stretch is asked for is put together at that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from clip_store.audio.audio import Encoding, Samples, decode_samples, quantise
from clip_store.audio.riff import WaveForm
from clip_store.audio.stored_wave import StoredWave
from clip_store.blobs import BlobStore
from clip_store.comp import Comp
from clip_store.errors import SpliceError
from clip_store.mix.accepted import AcceptedSong
from clip_store.mix.comp_lane import CompLane
from clip_store.take import Take
from daw_protocol.tasks import Placement
from daw_protocol.timeline.span import Span

BLOCK = 1 << 18
"""Frames put together at a time."""

FULL_SCALE = 1.0
_WIDE = (Encoding.PCM_32, Encoding.DOUBLE)


@dataclass(frozen=True)
class MixedBlock:
    """Some samples of the mix. span: in samples from the song's first; clipped: what the encoding cut off in them."""

    span: Span
    samples: Samples
    clipped: int


class SongMix:
    """A mix. Its first sample is the song's, or that of an accepted lead-in before it (`span.start` is negative then).

    form:   of the mix as a file; encoding: the song's, or floats where something cannot be held by it.
    span:   in samples from the original's first.
    Opening and reading are for a thread.
    """

    def __init__(self, accepted: AcceptedSong, blobs: BlobStore, encoding: Encoding | None = None) -> None:
        """encoding: another than the mix needs; what does not fit is rounded and cut off.

        Raises StoreError when audio is missing or damaged, SpliceError when a clip does not fit the song.
        """
        self.accepted = accepted
        self.original = blobs.wave(accepted.song)
        covering, adding = accepted.covering, accepted.adding
        used = {part.take for comp in (covering, *adding) for part in comp}
        clips = {take: blobs.wave(accepted.takes[take].audio) for take in used}
        song = self.original.form
        for take, clip in clips.items():
            _check_fits(song, clip, accepted.takes[take])
        self.needed = encoding_of(self.original, clips.values(), adds=bool(adding))
        parts = [part.span for comp in (covering, *adding) for part in comp]
        self.span = Span(
            min([0, *(span.start for span in parts)]), max([song.frames, *(span.end for span in parts)])
        )
        self.form = WaveForm(self.span.length, song.rate, song.channels, encoding or self.needed)
        # As without what plays along: its crossfades are the same then, bit for bit.
        own = encoding_of(self.original, (clips[part.take] for part in covering), adds=False)
        self.covering = CompLane(accepted, covering, self.original, clips, own, song.channels)
        self.adding = tuple(
            CompLane(accepted, comp, None, clips, self.needed, song.channels) for comp in adding
        )

    @property
    def changed(self) -> tuple[Span, ...]:
        """The stretches where something is accepted, in order, none touching another."""
        spans = sorted(part.span for lane in (self.covering, *self.adding) for part in lane.comp)
        found: list[Span] = []
        for span in spans:
            if found and span.start <= found[-1].end:
                found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
            else:
                found.append(span)
        return tuple(found)

    def blocks(self) -> Iterator[MixedBlock]:
        """All of it, in order."""
        for first in range(self.span.start, self.span.end, BLOCK):
            yield self.read(Span(first, min(first + BLOCK, self.span.end)))

    def read(self, span: Span) -> MixedBlock:
        """The samples of a span, in samples from the original's first."""
        mixed = self.covering.read(span).astype(self.needed.dtype, copy=False)
        for lane in self.adding:
            for part in lane.comp:
                inside = part.span.clipped(span)
                if inside.length:  # elsewhere nothing is added, not even zeros: they change the sign of zeros
                    place = slice(inside.start - span.start, inside.end - span.start)
                    mixed[place] += lane.read(inside)
        if self.form.encoding is self.needed:
            return MixedBlock(span, mixed, 0)
        audio, clipped = quantise(mixed, self.form.rate, self.form.encoding)
        return MixedBlock(span, audio.samples, clipped)

    def untouched(self, span: Span) -> Samples:
        """The original in a span, as the mix has it where nothing is accepted; silence where it is not."""
        song = self.original.form
        found = np.zeros((span.length, song.channels), self.form.encoding.dtype)
        inside = span.clipped(Span(0, song.frames))
        if inside.length:
            data = self.original.read(inside.start, inside.end)
            found[inside.start - span.start : inside.end - span.start] = decode_samples(
                data, song.channels, song.encoding
            )
        return found


def encoding_of(song: StoredWave, clips: Iterable[StoredWave], *, adds: bool) -> Encoding:
    """What holds a song and clips: the song's encoding, or floats where a clip has another or is added to the song."""
    own = song.form.encoding
    if not adds and all(clip.form.encoding is own for clip in clips):
        return own
    return Encoding.DOUBLE if own in _WIDE else Encoding.FLOAT


def _check_fits(song: WaveForm, clip: StoredWave, take: Take) -> None:
    form = clip.form
    if form.rate != song.rate or form.channels not in (song.channels, 1):
        raise SpliceError(
            f"Take {take.id} has {form.channels} channels at {form.rate} Hz; the song has {song.channels} at "
            f"{song.rate} Hz.",
            "Revert it, then save the song again.",
        )


def replaces(accepted: AcceptedSong, comp: Comp) -> bool:
    """Whether a comp takes the song's place anywhere."""
    return any(accepted.placement(part) is Placement.REPLACES for part in comp)
