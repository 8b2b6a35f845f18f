"""What is accepted in a song, in the order it was: in the song itself, and in the songs that its takes made of it.

Reads the index only. Positions are samples from the song's first, whichever song a take was made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from clip_store.comp import Comp, Part, overlay
from clip_store.index import Place, TakeIndex, TakeLink, place_of
from clip_store.take import Take
from daw_protocol.recipe import HeardSong
from daw_protocol.tasks import TASKS, Placement
from daw_protocol.timeline.span import Span


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
    heard:    by take, what took the song's place in what it was made of, where that was not the song alone.
    """

    song: str
    comps: tuple[AcceptedComp, ...] = ()
    takes: Mapping[str, Take] = field(default_factory=dict)
    starts: Mapping[str, int] = field(default_factory=dict)
    stands_on: Mapping[str, frozenset[str]] = field(default_factory=dict)
    heard: Mapping[str, Comp] = field(default_factory=dict)

    def rests_on(self, take: str, other: str | None, edge: int) -> bool:
        """Whether a take was spliced at one of its edges into what another plays there; None: into the original."""
        if take not in self.heard:
            return other is None or other in self.stands_on[take]
        return self.below(take, edge) == other

    def below(self, take: str, edge: int) -> str | None:
        """The take that played on both sides of an edge in what this one was spliced into; None: the original."""
        return next((part.take for part in self.heard.get(take, ()) if part.start < edge < part.end), None)

    def region(self, take: str) -> Span:
        """Where all of a take lies."""
        return Span(self.starts[take], self.starts[take] + self.takes[take].length)

    def only(self, wanted: Callable[[AcceptedComp], bool]) -> AcceptedSong:
        """The song with some of its comps."""
        return replace(self, comps=tuple(comp for comp in self.comps if wanted(comp)))

    def placement(self, part: Part) -> Placement:
        """How a part plays with the song."""
        return TASKS[self.takes[part.take].task].placement

    def covers(self, comp: AcceptedComp) -> bool:
        """Whether a comp takes the song's place anywhere."""
        return any(self.placement(part) is Placement.REPLACES for part in comp.parts)

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


@dataclass(frozen=True)
class Family:
    """A song's takes, those made from their results, and so on. begins: of the song of each, from the root's first."""

    takes: Mapping[str, TakeLink]
    begins: Mapping[str, int]

    def whole(self, take: str) -> Part:
        """All of a take, in samples from the root song's first."""
        link = self.takes[take]
        start = self.begins[link.parent] + link.start
        return Part(take, start, start + link.length)

    def ancestors(self, take: str) -> list[str]:
        """The takes whose result a take was made of, and theirs, nearest first; of equal results the first."""
        found: list[str] = []
        song: str | None = self.takes[take].parent
        while song and (base := self._by_result.get(song)) and base not in (*found, take):
            found.append(base)
            song = self.takes[base].parent
        return found

    @cached_property
    def _by_result(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for link in self.takes.values():
            if link.result is not None:
                found.setdefault(link.result, link.id)
        return found


def family_of(index: TakeIndex, song: str) -> Family:
    """The family of a song, in the order the takes were made."""
    takes: list[TakeLink] = []
    begins = {song: 0}
    waiting = [song]
    while waiting:
        digest = waiting.pop(0)
        links, made = index.links(digest), index.songs_made_of(digest)
        takes += links
        for link in links:
            if link.result is not None and link.result in made and link.result not in begins:
                # A region before the song's first sample makes the result begin earlier, as an accepted lead-in does.
                heard = index.get(link.id).recipe.heard
                begins[link.result] = begins[digest] + min(heard.begins if heard else 0, link.start)
                waiting.append(link.result)
    return Family({link.id: link for link in sorted(takes, key=lambda link: link.serial)}, begins)


def accepted_in(index: TakeIndex, song: str) -> AcceptedSong:
    """What is accepted in a song now. A take of a take brings those it was made of, below it."""
    family = family_of(index, song)
    places = [(place, comp) for one in family.begins for place, comp in index.comps(one).items()]
    comps: list[AcceptedComp] = []
    laid: set[str] = set()
    for place, comp in sorted(places, key=lambda entry: index.acceptance(entry[0])):
        moved = family.begins[place.song]
        parts = tuple(Part(take, start + moved, end + moved) for take, start, end in comp)
        below = {base for part in comp for base in family.ancestors(part.take)} - laid
        for base in sorted(below, key=lambda take: family.takes[take].serial):
            comps.append(AcceptedComp(place_of(index.get(base)), (family.whole(base),)))
        comps.append(AcceptedComp(place, parts))
        laid |= below | {part.take for part in parts}
    takes = {take: index.get(take) for take in laid}
    return AcceptedSong(
        song,
        tuple(comps),
        takes,
        starts={take: family.whole(take).start for take in laid},
        stands_on={take: frozenset(family.ancestors(take)) for take in laid},
        heard={take: known for take in laid if (known := _heard_by(take, takes, family)) is not None},
    )


def _heard_by(take: str, takes: Mapping[str, Take], family: Family) -> Comp | None:
    """What took the song's place in what a take was made of; None where that was a song without accepted takes."""
    line = [take, *family.ancestors(take)]
    for number, one in enumerate(line):
        heard = takes[one].recipe.heard
        if heard is not None:
            comp = heard_parts(heard, family.begins[takes[one].parent or ""])
            for base in line[number:0:-1]:
                comp = overlay(comp, family.whole(base))
            return comp
    return None


def heard_parts(heard: HeardSong, begins: int = 0) -> Comp:
    """What took the song's place in what was heard. begins: of that song, from the root's first sample."""
    return tuple(Part(take, start + begins, end + begins) for take, start, end in heard.parts)


def accepted_whole(song: str, takes: Iterable[Take]) -> AcceptedSong:
    """As if all of some takes of a song, and nothing else, were accepted."""
    found = {take.id: take for take in takes}
    starts = {take.id: take.start for take in found.values()}
    comps = tuple(
        AcceptedComp(place_of(take), (Part(take.id, take.start, take.start + take.length),))
        for take in found.values()
    )
    heard = {take.id: heard_parts(take.recipe.heard) for take in found.values() if take.recipe.heard}
    return AcceptedSong(song, comps, found, starts, dict.fromkeys(found, frozenset()), heard)
