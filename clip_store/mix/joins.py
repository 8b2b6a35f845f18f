"""Where the parts of a comp meet each other or the original, and which of these joins need a crossfade. Pure.

A take's own edge needs none: the crossfade is in its clip. It needs one where something else lies below than what the
take was spliced into. Every crossfade lies inside a part, at most half of it long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from clip_store.comp import Comp, Part
from clip_store.mix.accepted import AcceptedSong
from daw_protocol.timeline.span import Span

CROSSFADE_MS = 12.0
"""Of takes whose request does not say: the default of requests."""


@dataclass(frozen=True)
class Join:
    """A crossfade. span: where; old, new: takes, None for what lies below all takes; rising: `new` comes in."""

    span: Span
    old: str | None
    new: str
    rising: bool


def joins_of(song: AcceptedSong, comp: Comp) -> tuple[Join, ...]:
    """The crossfades of a comp, in order of time."""
    found = []
    for before, after in pairwise((None, *comp, None)):
        if before and after and before.end == after.start:
            edge = after.start
            if not (_ends_there(song, before) and _begins_there(song, after)):
                found.append(_between(song, before, after))
                continue
            if song.below(before.take, edge) == song.below(after.take, edge):
                continue  # one fades to where the other comes from
        if before and not (_ends_there(song, before) and song.rests_on(before.take, None, before.end)):
            found.append(_leaving(song, before, None))
        if after and not (_begins_there(song, after) and song.rests_on(after.take, None, after.start)):
            found.append(_entering(song, None, after))
    return tuple(join for join in found if join is not None and join.span.length)


def edges_of(song: AcceptedSong, comp: Comp) -> Iterator[tuple[int, int]]:
    """(edge, other end of its crossfade) of every change from one part to another or to the original."""
    joins = joins_of(song, comp)
    starts = {join.span.start: join.span.end for join in joins if join.rising}
    ends = {join.span.end: join.span.start for join in joins if not join.rising}
    for before, after in pairwise((None, *comp, None)):
        if after and after.start in starts:
            yield after.start, starts[after.start]
        elif before and before.end in ends:
            yield before.end, ends[before.end]
        else:
            if before:
                yield before.end, before.end - (song.takes[before.take].receipt.crossfade_out or 0)
            if after and not (before and before.end == after.start):
                yield after.start, after.start + (song.takes[after.take].receipt.crossfade_in or 0)


def _between(song: AcceptedSong, before: Part, after: Part) -> Join | None:
    """Two parts that touch: the take that begins or ends there has the crossfade, else the later one."""
    edge = after.start
    if _begins_there(song, after) and song.rests_on(after.take, before.take, edge):
        return None
    if _ends_there(song, before) and not _begins_there(song, after):
        return None if song.rests_on(before.take, after.take, edge) else _leaving(song, before, after.take)
    return _entering(song, before.take, after)


def _begins_there(song: AcceptedSong, part: Part) -> bool:
    return part.start == song.region(part.take).start


def _ends_there(song: AcceptedSong, part: Part) -> bool:
    return part.end == song.region(part.take).end


def _entering(song: AcceptedSong, old: str | None, part: Part) -> Join | None:
    room = song.region(old).end - part.start if old else part.end - part.start
    length = min(_crossfade(song, part), room)
    return Join(Span(part.start, part.start + length), old, part.take, rising=True)


def _leaving(song: AcceptedSong, part: Part, old: str | None) -> Join | None:
    room = part.end - song.region(old).start if old else part.end - part.start
    length = min(_crossfade(song, part), room)
    return Join(Span(part.end - length, part.end), old, part.take, rising=False)


def _crossfade(song: AcceptedSong, part: Part) -> int:
    """In samples: as the take was asked for, and less in a short part."""
    take = song.takes[part.take]
    asked = take.request.get("crossfade", CROSSFADE_MS)
    milliseconds = float(asked) if isinstance(asked, int | float) else CROSSFADE_MS
    return min(round(milliseconds / 1000 * take.rate), (part.end - part.start) // 2)
