"""The song as it stands, in samples: the original where nothing was accepted, bit for bit, and what was accepted.

Never in memory as a whole: whatever stretch is asked for is put together at that moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from clip_store.audio.audio import Encoding, Samples, decode_samples, quantise
from clip_store.audio.riff import WaveForm
from clip_store.blobs import BlobStore
from clip_store.mix.accepted import AcceptedSong
from clip_store.mix.comp_lane import CompLane
from clip_store.mix.lanes import Lanes
from clip_store.mix.stem_changes import merged
from daw_protocol.timeline.span import Span

BLOCK = 1 << 18
"""Frames put together at a time."""

FULL_SCALE = 1.0


@dataclass(frozen=True)
class MixedBlock:
    """Some samples of the mix. span: in samples from the song's first; clipped: what the encoding cut off in them."""

    span: Span
    samples: Samples
    clipped: int


class SongMix:
    """A song with what is accepted in it, [frames, channels].

    span:     of all of it, from the original's first sample: what begins earlier or goes on longer is in it.
    form:     of the mix: the original's encoding, or floats where something is added to it.
    needed:   the encoding that loses nothing of it.
    Its methods read stored audio and are for a thread.
    """

    def __init__(self, accepted: AcceptedSong, blobs: BlobStore, encoding: Encoding | None = None) -> None:
        """encoding: another than the mix needs; what does not fit is rounded and cut off.

        Raises StoreError when audio is missing or damaged, SpliceError when a clip does not fit the song.
        """
        self.accepted = accepted
        lanes = Lanes(accepted, blobs)
        self.original = lanes.original
        self.covering = lanes.covering()
        self.adding = tuple(lanes.adding(comp) for comp in accepted.adding)
        changed = tuple(map(lanes.stem, accepted.changed_stems))
        self.stems = {lane.base.stem: lane for lane in changed}
        comps = (accepted.covering, *accepted.adding)
        self.needed = lanes.needed(comps, adds=bool(self.adding or self.covering.changes))
        song = self.original.form
        spans = [*(span for lane in self._heard for span in lane.spans), Span(0, song.frames)]
        self.span = Span(min(span.start for span in spans), max(span.end for span in spans))
        self.form = WaveForm(self.span.length, song.rate, song.channels, encoding or self.needed)

    @property
    def _heard(self) -> tuple[CompLane, ...]:
        return (self.covering, *self.adding)

    @property
    def clipped(self) -> int:
        """Samples that crossfades cut off. Reads all of them."""
        return sum(lane.clipped for lane in self._heard)

    @property
    def changed(self) -> tuple[Span, ...]:
        """The stretches where something is accepted, in order, none touching another."""
        return merged(span for lane in self._heard for span in lane.spans)

    def blocks(self) -> Iterator[MixedBlock]:
        """All of it, in order."""
        for first in range(self.span.start, self.span.end, BLOCK):
            yield self.read(Span(first, min(first + BLOCK, self.span.end)))

    def read(self, span: Span) -> MixedBlock:
        """The samples of a span, in samples from the original's first."""
        mixed = self.covering.read(span).astype(self.needed.dtype, copy=False)
        for lane in self.adding:
            for one in lane.spans:
                inside = one.clipped(span)
                if inside.length:  # elsewhere nothing is added, not even zeros: they change the sign of zeros
                    mixed[inside.start - span.start : inside.end - span.start] += lane.read(inside)
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
