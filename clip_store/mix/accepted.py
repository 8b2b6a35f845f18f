"""What is accepted in a song, in the order it was: in the song itself, and in the songs that its takes made of it.

Reads the index only. Positions are samples from the song's first, whichever song a take was made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from clip_store.comp import Comp, Part, overlay
from clip_store.index import Place, TakeIndex, place_of
from clip_store.take import Take
from daw_protocol.tasks import TASKS, Placement
from daw_protocol.timeline.span import Span

MAX_TAKES = 10_000


@dataclass(frozen=True)
class AcceptedComp:
    """What is accepted in one place. place: as the index knows it; parts: in samples from the root song's first."""

    place: Place
    parts: Comp


@dataclass(frozen=True)
class AcceptedSong:
    """A song and what is accepted in it.

    song:     its digest.
    comps:    in the order they were accepted: later ones cover earlier ones.
    takes:    by id, all that appear in the comps.
    starts:   of each take's first sample.
    stands_on: by take, those that the song it was made of contains.
    """

    song: str
    comps: tuple[AcceptedComp, ...] = ()
    takes: Mapping[str, Take] = field(default_factory=dict)
    starts: Mapping[str, int] = field(default_factory=dict)
    stands_on: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def region(self, take: str) -> Span:
        """Where all of a take lies."""
        return Span(self.starts[take], self.starts[take] + self.takes[take].length)

    def placement(self, part: Part) -> Placement:
        """How a part plays with the song."""
        return TASKS[self.takes[part.take].task].placement

    @property
    def covering(self) -> Comp:
        """What replaces the song, and where."""
        found: Comp = ()
        for comp in self.comps:
            for part in comp.parts:
                if self.placement(part) is Placement.REPLACES:
                    found = overlay(found, part)
        return found

    @property
    def adding(self) -> tuple[Comp, ...]:
        """What plays with the song: a comp for each place."""
        found = [
            tuple(part for part in comp.parts if self.placement(part) is Placement.BESIDE)
            for comp in self.comps
        ]
        return tuple(parts for parts in found if parts)

    @property
    def stems(self) -> Comp:
        """Stems of the song, which leave it as it is."""
        return tuple(
            part for comp in self.comps for part in comp.parts if self.placement(part) is Placement.ALONE
        )


def family_of(index: TakeIndex, song: str) -> tuple[list[Take], dict[str, int]]:
    """The takes of a song, those made from their results, and so on, in the order they were made.

    With where the song of each take begins, in samples from the root song's first.
    """
    family: dict[str, Take] = {}
    origins: dict[str, int] = {}
    waiting = [(take, 0) for take in reversed(index.list(song=song, limit=MAX_TAKES))]
    while waiting:
        take, begins = waiting.pop(0)
        if take.id in family:
            continue
        family[take.id] = take
        origins[take.id] = begins
        if take.result is not None and take.result != take.parent:
            # A region before the song's first sample makes the result begin earlier.
            earlier = begins + min(0, take.start)
            later = reversed(index.list(song=take.result, limit=MAX_TAKES))
            waiting += [(one, earlier) for one in later]
    return sorted(family.values(), key=lambda take: index.serial(take.id)), origins


def accepted_in(index: TakeIndex, song: str) -> AcceptedSong:
    """What is accepted in a song now. Raises TakeError when the index names a take it does not have."""
    family, origins = family_of(index, song)
    takes = {take.id: take for take in family}
    stands_on = {take.id: _ancestors(take, family) for take in family}
    begins = {take.parent or "": origins[take.id] for take in family}
    places = [(place, comp) for one in begins for place, comp in index.comps(one).items()]
    comps: list[AcceptedComp] = []
    for place, comp in sorted(places, key=lambda entry: index.acceptance(entry[0])):
        laid = {part.take for one in comps for part in one.parts}
        below = {base for part in comp for base in stands_on[part.take]} - laid
        comps += [
            AcceptedComp(place_of(take), (_whole(take, origins),)) for take in family if take.id in below
        ]
        moved = begins[place.song]
        comps.append(
            AcceptedComp(place, tuple(Part(take, start + moved, end + moved) for take, start, end in comp))
        )
    starts = {take.id: origins[take.id] + take.start for take in family}
    return AcceptedSong(song, tuple(comps), takes, starts, stands_on)


def _whole(take: Take, origins: Mapping[str, int]) -> Part:
    start = origins[take.id] + take.start
    return Part(take.id, start, start + take.length)


def _ancestors(take: Take, family: list[Take]) -> frozenset[str]:
    """The takes whose result a take was made of, and theirs; the first of several with one result."""
    found: list[str] = []
    song = take.parent
    while base := next((one for one in family if one.result == song and one.id != take.id), None):
        if base.id in found or base.result == base.parent:
            break
        found.append(base.id)
        song = base.parent
    return frozenset(found)
