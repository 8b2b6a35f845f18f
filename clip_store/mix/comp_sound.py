"""What plays in the song, or along with it, where plain clips would not do: as one sound, for projects and players.

A run of parts that need crossfades where they meet; a stretch in which stems are changed; a changed stem.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from clip_store.audio.audio import Audio, quantise
from clip_store.blobs import BlobStore
from clip_store.comp import Comp, Part
from clip_store.mix.accepted import AcceptedSong
from clip_store.mix.joins import joins_of
from clip_store.mix.lanes import Lanes
from clip_store.mix.stem_changes import audible_in, changed_spans, merged, parts_in, stretches_of
from daw_protocol.timeline.span import Span


@dataclass(frozen=True, eq=False)
class CompSound:
    """A stretch of the song as it stands, in samples from the song's first. parts: of takes of the song in it.

    covers: it takes the song's place; otherwise it plays with it, all of it of the comp `along`.
    stems:  of which it has changes; alone: it is the one of them, and nothing of the song.
    """

    accepted: AcceptedSong
    span: Span
    parts: Comp
    covers: bool
    along: Comp = ()
    stems: tuple[str, ...] = ()
    alone: bool = False

    @property
    def takes(self) -> tuple[str, ...]:
        """The ids of its takes, each once: those of stems as well."""
        changed = (part for stem in self.stems for part in parts_in(self.accepted, stem))
        inside = (part for part in changed if part.start < self.span.end and self.span.start < part.end)
        return tuple(dict.fromkeys(part.take for part in (*self.parts, *inside)))

    @property
    def needs(self) -> tuple[str, ...]:
        """The digests of the stored audio it is made of."""
        stems = self.accepted.stems if self.stems else ()
        takes = (self.accepted.takes[take].audio for take in (*self.takes, *stems))
        return tuple(dict.fromkeys((self.accepted.song, *takes)))

    @property
    def made_of(self) -> str:
        """What it is, in a sentence."""
        if not self.stems:
            return f"A comp of {', '.join(self.takes)}, with crossfades."
        names = " and ".join(dict.fromkeys(self.accepted.takes[stem].stem for stem in self.stems))
        what = f"The {names}" if self.alone else f"The song with other {names}"
        return f"{what}, by {', '.join(self.takes)}."

    def read(self, blobs: BlobStore) -> Audio:
        """Its samples, as the mix has them. For a thread. Raises StoreError when audio is missing or damaged."""
        lanes = Lanes(self.accepted, blobs)
        if self.alone:
            lane = lanes.stem(self.stems[0])
        else:
            lane = lanes.covering() if self.covers else lanes.adding(self.along)
        return quantise(lane.read(self.span), lanes.original.form.rate, lane.encoding).audio


def plays_by_itself(accepted: AcceptedSong, stem: str) -> bool:
    """Whether a stem of the original is changed, and nowhere beyond its own beginning and end."""
    known, region = accepted.stems.get(stem), accepted.region(stem) if stem in accepted.stems else Span(0, 0)
    if known is None or known.above or known.surface or accepted.is_instrument(stem):
        return False
    spans = changed_spans(accepted, stem)
    return bool(spans) and all(_inside(span, region) for span in spans)


def stem_sound(accepted: AcceptedSong, stem: str) -> CompSound:
    """A stem as it stands, from its beginning to its end."""
    return CompSound(accepted, accepted.region(stem), (), covers=True, stems=(stem,), alone=True)


def sounds_of(accepted: AcceptedSong, apart: Collection[str] = ()) -> tuple[list[CompSound], Comp]:
    """What is accepted, as sounds of their own where that is needed, and the parts that play as they are.

    apart: stems that play by themselves, with their changes.
    """
    changed = [one for one in audible_in(accepted) if one.stem not in apart]
    sounds, plain = _split(accepted, accepted.covering, True, [(one.stem, one.span) for one in changed])
    for comp in accepted.adding:
        takes = {part.take for part in comp}
        instruments = [stem for stem in accepted.stems if stem in takes]
        spans = [(stem, one.span) for stem in instruments for one in stretches_of(accepted, stem)]
        found, parts = _split(accepted, comp, False, spans)
        sounds += found
        plain += parts
    return sounds, plain


def _split(
    accepted: AcceptedSong, comp: Comp, covers: bool, changed: list[tuple[str, Span]]
) -> tuple[list[CompSound], Comp]:
    """A comp in stretches without a gap: sounds where there are crossfades or changed stems, else parts."""
    sounds: list[CompSound] = []
    plain: list[Part] = []
    crossfades = [join.span for join in joins_of(accepted, comp)]
    for span in merged([*(part.span for part in comp), *(one for _, one in changed)]):
        parts = tuple(part for part in comp if span.start <= part.start and part.end <= span.end)
        stems = tuple(dict.fromkeys(stem for stem, one in changed if _inside(one, span)))
        if stems or any(_inside(one, span) for one in crossfades):
            sounds.append(CompSound(accepted, span, parts, covers, () if covers else comp, stems))
        else:
            plain += parts
    return sounds, tuple(plain)


def _inside(inner: Span, outer: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
