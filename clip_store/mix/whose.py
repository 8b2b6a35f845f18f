"""Whose each stretch of a song as it stands is: the original's, takes', or both. Pure.

What replaces the song was rendered: by a network it is the machine's alone; by an engine that rearranges the song's own
sound it is both. Crossfades are both, and so is what plays along with the song, and a song with another stem in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from clip_store.comp import Comp, Part
from clip_store.mix.accepted import AcceptedSong
from clip_store.mix.hearing import extent
from clip_store.mix.joins import Join, joins_of
from clip_store.mix.stem_changes import StemStretch, audible_in, parts_in
from clip_store.source_type import SourceType
from daw_protocol.ledger import HUMAN, MACHINE, MIXED, LedgerStretch
from daw_protocol.timeline.span import Span

ORIGINAL = "the original, bit for bit"
MARKED = "the original, whose file says that a machine made it or had a part in it"
RENDERED = "rendered by a network"
REARRANGED = "the original's own sound, rearranged"
CROSSFADE = "a crossfade"
ALONG = "takes that play along with the song"
ALONE = "takes that play where the song does not"
OTHER_STEM = "the original with another stem"
SILENCE = "silence between the song and a take"


def stretches_of_song(
    accepted: AcceptedSong, frames: int, original: SourceType | None
) -> tuple[LedgerStretch, ...]:
    """In order and without gaps, in samples from the original's first. frames: the original's length.

    original: what its file, or the takes that made it, say it is; None: nothing.
    """
    return tuple(merged(_Whose(accepted, frames, original).pieces()))


def owner_of(kind: SourceType | None) -> str:
    """Whose a song is by its mark: the producer's, unless it says that machines made it, or a part of it."""
    if kind in (SourceType.TRAINED, SourceType.ALGORITHMIC):
        return MACHINE
    return MIXED if kind is not None else HUMAN


@dataclass(frozen=True)
class _Whose:
    accepted: AcceptedSong
    frames: int
    original: SourceType | None

    def pieces(self) -> Iterator[LedgerStretch]:
        joins = joins_of(self.accepted, self._covering)
        for start, end in pairwise(sorted(self._edges(joins))):
            yield self._piece(Span(start, end), joins)

    def _edges(self, joins: tuple[Join, ...]) -> set[int]:
        whole = extent(self._heard, self.frames)
        spans = [whole, Span(0, self.frames), *(join.span for join in joins)]
        spans += [part.span for comp in (self._covering, *self.accepted.adding) for part in comp]
        spans += [fade for part in self._covering for fade in self._fades(part)]
        for change in self._changes:
            inside = (part.span.clipped(change.span) for part in parts_in(self.accepted, change.stem))
            spans += [change.span, *(one for one in inside if one.length)]
        edges = {edge for span in spans for edge in (span.start, span.end)}
        return {edge for edge in edges if whole.start <= edge <= whole.end}

    @cached_property
    def _covering(self) -> Comp:
        return self.accepted.covering

    @cached_property
    def _changes(self) -> tuple[StemStretch, ...]:
        """Where changed stems are heard."""
        return audible_in(self.accepted)

    @property
    def _heard(self) -> AcceptedSong:
        """Without stems of the song, which leave it as it is, and without takes of stems."""
        audible = {part.take for comp in (self.accepted.covering, *self.accepted.adding) for part in comp}
        return self.accepted.only(lambda comp: not comp.stem and comp.parts[0].take in audible)

    def _fades(self, part: Part) -> Iterator[Span]:
        """The crossfades in a take's clip that its part has."""
        region, receipt = self.accepted.region(part.take), self.accepted.takes[part.take].receipt
        fades = (
            Span(region.start, region.start + (receipt.crossfade_in or 0)),
            Span(region.end - (receipt.crossfade_out or 0), region.end),
        )
        yield from (inside for fade in fades if (inside := fade.clipped(part.span)).length)

    def _piece(self, span: Span, joins: tuple[Join, ...]) -> LedgerStretch:
        at = span.start
        over = next((part for part in self._covering if part.start <= at < part.end), None)
        along = tuple(
            part.take for comp in self.accepted.adding for part in comp if part.start <= at < part.end
        )
        stems = self._stems_at(at)
        takes, owners, reason = self._under(at, over, joins)
        owners |= {MACHINE} if along else set()
        if stems:
            owners, reason = owners | {MACHINE}, OTHER_STEM
        elif along:
            reason = ALONG if over is not None or 0 <= at < self.frames else ALONE
        if not owners:
            owners, reason = {MACHINE}, SILENCE
        whose = owners.pop() if len(owners) == 1 else MIXED
        found = tuple(dict.fromkeys((*takes, *along, *stems)))
        return LedgerStretch(start=span.start, end=span.end, whose=whose, takes=found, reason=reason)

    def _under(self, at: int, over: Part | None, joins: tuple[Join, ...]) -> tuple[list[str], set[str], str]:
        """What plays at a sample but for what plays along: takes, owners and the reason."""
        if over is None:
            inside = 0 <= at < self.frames
            reason = ORIGINAL if self.original is None else MARKED
            return [], {owner_of(self.original)} if inside else set(), reason
        join = next((one for one in joins if one.span.start <= at < one.span.end), None)
        if join is not None:
            return self._crossfaded(at, join.new, join.old)
        if any(fade.start <= at < fade.end for fade in self._fades(over)):
            heard = self.accepted.heard.get(over.take)
            below = (take for take, start, end in heard.parts if start <= at < end) if heard else iter(())
            known = (take for take in below if take in self.accepted.takes)
            return self._crossfaded(at, over.take, next(known, None))
        reason = RENDERED if self._owner(over.take) == MACHINE else REARRANGED
        return [over.take], {self._owner(over.take)}, reason

    def _crossfaded(self, at: int, new: str, old: str | None) -> tuple[list[str], set[str], str]:
        inside = {owner_of(self.original)} if 0 <= at < self.frames else set()
        below = inside if old is None else {self._owner(old)}
        return [*([old] if old else []), new], {self._owner(new), *below}, CROSSFADE

    def _owner(self, take: str) -> str:
        """Whose a take is that replaces the song."""
        return MACHINE if self.accepted.takes[take].recipe.neural else MIXED

    def _stems_at(self, at: int) -> tuple[str, ...]:
        changes = [one for one in self._changes if one.span.start <= at < one.span.end]
        parts = (part for one in changes for part in parts_in(self.accepted, one.stem))
        return tuple(part.take for part in parts if part.start <= at < part.end)


def merged(pieces: Iterator[LedgerStretch]) -> Iterator[LedgerStretch]:
    """Neighbours that are the same but for their place, as one."""
    before: LedgerStretch | None = None
    for piece in pieces:
        if before is not None and before.end == piece.start and _as_it_is(before) == _as_it_is(piece):
            before = before.evolve(end=piece.end)
            continue
        if before is not None:
            yield before
        before = piece
    if before is not None:
        yield before


def _as_it_is(stretch: LedgerStretch) -> LedgerStretch:
    """A stretch without its place."""
    return stretch.evolve(start=0, end=0)
