"""Where the parts of a comp meet each other or the original, and which of these joins need a crossfade. Pure.

A take's own edge needs none: the crossfade is in its clip. It needs one where something else lies below than what the
take was spliced into, changed stems included. Every crossfade lies inside a part, at most half of it long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from clip_store.comp import Comp, Part
from clip_store.mix.accepted import AcceptedSong
from clip_store.mix.stem_changes import changes_at
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


def joins_of(
    song: AcceptedSong, comp: Comp, lane: str = "", bare: frozenset[int] = frozenset()
) -> tuple[Join, ...]:
    """The crossfades of a comp, in order of time.

    lane: the stem the comp is of, "" for the song. bare: where that stem begins or ends inside the song: at these
    edges clips have no crossfade, as there was nothing to fade with.
    """
    return _Joins(song, lane, bare).of(comp)


def edges_of(
    song: AcceptedSong, comp: Comp, lane: str = "", bare: frozenset[int] = frozenset()
) -> Iterator[tuple[int, int]]:
    """(edge, other end of its crossfade) of every change from one part to another or to the original."""
    joins = joins_of(song, comp, lane, bare)
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


@dataclass(frozen=True)
class _Joins:
    song: AcceptedSong
    lane: str
    bare: frozenset[int]

    def of(self, comp: Comp) -> tuple[Join, ...]:
        found = []
        for before, after in pairwise((None, *comp, None)):
            if before and after and before.end == after.start:
                edge = after.start
                if not (self._ends_there(before) and self._begins_there(after)):
                    found.append(self._between(before, after))
                    continue
                if self._ground(before.take, edge) == self._ground(after.take, edge):
                    continue  # one fades to where the other comes from
            if before and not (self._ends_there(before) and self._fits(before.take, None, before.end)):
                found.append(self._leaving(before, None))
            if after and not (self._begins_there(after) and self._fits(after.take, None, after.start)):
                found.append(self._entering(None, after))
        return tuple(join for join in found if join is not None and join.span.length)

    def _between(self, before: Part, after: Part) -> Join | None:
        """Two parts that touch: the take that begins or ends there has the crossfade, else the later one."""
        edge = after.start
        if self._begins_there(after) and self._fits(after.take, before.take, edge):
            return None
        if self._ends_there(before) and not self._begins_there(after):
            return None if self._fits(before.take, after.take, edge) else self._leaving(before, after.take)
        return self._entering(before.take, after)

    def _fits(self, take: str, other: str | None, edge: int) -> bool:
        """Whether a take was spliced at one of its edges into what another plays there; None: into the original."""
        below, changed = self._ground(take, edge)
        outside = edge - 1 if edge == self.song.region(take).start else edge
        if changes_at(self.song, self.lane, other, outside, edge) != changed:
            return False
        if take not in self.song.heard:
            return other is None or other in self.song.stands_on[take]
        return below == other

    def _ground(self, take: str, edge: int) -> tuple[str | None, frozenset[str]]:
        """What played on both sides of an edge in what a take was spliced into: a take, None for the original; and
        takes of stems, those that go on in the take among them."""
        heard = self.song.heard.get(take)
        inside = edge if edge == self.song.region(take).start else edge - 1
        changed = changes_at(self.song, self.lane, take, inside, edge)
        if heard is None:
            return None, changed
        there = (name for name, start, end in heard.parts if start < edge < end)
        return next(there, None), changed | {name for name, start, end in heard.stems if start < edge < end}

    def _begins_there(self, part: Part) -> bool:
        return part.start == self.song.region(part.take).start and part.start not in self.bare

    def _ends_there(self, part: Part) -> bool:
        return part.end == self.song.region(part.take).end and part.end not in self.bare

    def _entering(self, old: str | None, part: Part) -> Join | None:
        room = self.song.region(old).end - part.start if old else part.end - part.start
        length = min(self._crossfade(part), room)
        return Join(Span(part.start, part.start + length), old, part.take, rising=True)

    def _leaving(self, part: Part, old: str | None) -> Join | None:
        room = part.end - self.song.region(old).start if old else part.end - part.start
        length = min(self._crossfade(part), room)
        return Join(Span(part.end - length, part.end), old, part.take, rising=False)

    def _crossfade(self, part: Part) -> int:
        """In samples: as the take was asked for, and less in a short part."""
        take = self.song.takes[part.take]
        asked = take.request.get("crossfade", CROSSFADE_MS)
        milliseconds = float(asked) if isinstance(asked, int | float) else CROSSFADE_MS
        return min(round(milliseconds / 1000 * take.rate), (part.end - part.start) // 2)
