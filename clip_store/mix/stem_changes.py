"""Where accepted takes of stems change the song: the song as it is, minus the stem as it came, plus as it stands. Pure.

A stem was separated from the song as it was then: from the original, or from what a take had put in its place. Only
where that is what plays is the stem a part of it, and can be changed there. So a take of the song itself lies over the
changed stems of the song without it, whenever either was accepted; and the stems of a take's song change that take.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from clip_store.comp import Comp, cropped
from clip_store.mix.accepted import AcceptedSong
from daw_protocol.timeline.span import Span


class StemStretch(NamedTuple):
    """A stretch in which a stem is changed. surface: the take it is a part of there; None: the song, or its stem."""

    stem: str
    surface: str | None
    span: Span


def stretches_of(song: AcceptedSong, stem: str) -> tuple[StemStretch, ...]:
    """Where a stem is another than it came, and of what it is a part there, heard or not; in order of time."""
    found: list[StemStretch] = []
    for span in changed_spans(song, stem):
        found += [
            StemStretch(stem, surface, piece) for surface, piece in pieces(song.stems[stem].surface, span)
        ]
    return tuple(found)


def changed_spans(song: AcceptedSong, stem: str) -> tuple[Span, ...]:
    """Where a stem is another than it came, or the song for "": by takes of it and by those of its own stems."""
    own = [part.span for part in song.covering_of(stem)]
    return merged([*own, *(one.span for one in audible_in(song, stem))])


def audible_in(song: AcceptedSong, lane: str = "") -> tuple[StemStretch, ...]:
    """Where changed stems are heard in the song, or in a stem that they were separated from."""
    covering = song.covering_of(lane)
    found: list[StemStretch] = []
    for stem in _below(song, lane):
        for one in stretches_of(song, stem):
            shown = pieces(covering, one.span)
            found += [one._replace(span=piece) for surface, piece in shown if surface == one.surface]
    return tuple(found)


def parts_in(song: AcceptedSong, stem: str) -> Comp:
    """The parts of takes of a stem, and of the stems it was separated into in turn."""
    below = (part for one in _below(song, stem) for part in parts_in(song, one))
    return (*song.covering_of(stem), *below)


class Unheard(NamedTuple):
    """Where an accepted take of a stem is not heard. take: that one; over: what plays in its stem's place, made without
    it; None where the song plays as it came."""

    take: str
    over: str | None
    span: Span


def unheard(song: AcceptedSong) -> Iterator[Unheard]:
    """Where takes of stems are not heard because their stem is no part of what plays, nor are they."""
    for stem in song.changed_stems:
        above = () if song.is_instrument(stem) else song.covering_of(song.stems[stem].above)
        for one in song.covering_of(stem) if not song.is_instrument(stem) else ():
            for surface, piece in pieces(song.stems[stem].surface, one.span):
                for shown, there in pieces(above, piece):
                    heard = song.heard.get(shown) if shown else None
                    if shown != surface and not (heard and one.take in heard.takes):
                        yield Unheard(one.take, shown, there)


def changes_at(song: AcceptedSong, lane: str, surface: str | None, sample: int, edge: int) -> frozenset[str]:
    """The takes of stems that sound on a surface at a sample next to an edge, and go on across that edge."""
    found: set[str] = set()
    for stem in _below(song, lane):
        shown, _ = pieces(song.stems[stem].surface, Span(sample, sample + 1))[0]
        if shown == surface:
            found |= {part.take for part in song.covering_of(stem) if part.start < edge < part.end}
            playing, _ = pieces(song.covering_of(stem), Span(sample, sample + 1))[0]
            found |= changes_at(song, stem, playing, sample, edge)
    return frozenset(found)


def _below(song: AcceptedSong, lane: str) -> list[str]:
    """The changed stems that were separated from the song, or from a stem."""
    return [stem for stem, one in song.stems.items() if one.above == lane and not song.is_instrument(stem)]


def pieces(comp: Comp, span: Span) -> list[tuple[str | None, Span]]:
    """A span in pieces, in order: which take plays in each; None for what lies below."""
    found: list[tuple[str | None, Span]] = []
    at = span.start
    for part in cropped(comp, span):
        if part.start > at:
            found.append((None, Span(at, part.start)))
        found.append((part.take, part.span))
        at = part.end
    return [*found, (None, Span(at, span.end))] if at < span.end else found


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans in order, those that overlap or touch as one."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return tuple(found)
