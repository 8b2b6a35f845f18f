"""What is accepted in a song, in the order it was: in the song itself, in the songs its takes made of it, in its stems.

Reads the index only. Positions are samples from the song's first, whichever song a take was made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from clip_store.comp import Comp, Part, overlay
from clip_store.index import Place, TakeIndex, place_of
from clip_store.mix.family import Family, family_of, heard_by, surface_of
from clip_store.take import Take
from daw_protocol.recipe import HeardSong
from daw_protocol.tasks import TASKS, Placement
from daw_protocol.timeline.span import Span


@dataclass(frozen=True)
class AcceptedComp:
    """What is accepted in one place. place: as the index knows it; parts: in samples from the root song's first.

    stem: the stem or instrument its takes were made of; "" where they were made of the song.
    """

    place: Place
    parts: Comp
    stem: str = ""


@dataclass(frozen=True)
class Stem:
    """A stem or instrument that takes were made of. above: the stem it was separated from in turn; "": the song.

    surface: what took the place of what it was separated from there; an instrument lies on itself.
    """

    above: str
    surface: Comp


@dataclass(frozen=True)
class AcceptedSong:
    """A song and what is accepted in it.

    song:     its digest.
    comps:    in the order they were accepted: later ones cover earlier ones.
    takes:    by id, all that appear in the comps, and the stems they were made of.
    starts:   of each take's first sample.
    stands_on: by take, those that the song it was made of contains.
    heard:    by take, what was accepted in what it was made of, where that is known.
    stems:    by take, those that others in the comps were made of.
    """

    song: str
    comps: tuple[AcceptedComp, ...] = ()
    takes: Mapping[str, Take] = field(default_factory=dict)
    starts: Mapping[str, int] = field(default_factory=dict)
    stands_on: Mapping[str, frozenset[str]] = field(default_factory=dict)
    heard: Mapping[str, HeardSong] = field(default_factory=dict)
    stems: Mapping[str, Stem] = field(default_factory=dict)

    def region(self, take: str) -> Span:
        """Where all of a take lies."""
        return Span(self.starts[take], self.starts[take] + self.takes[take].length)

    def only(self, wanted: Callable[[AcceptedComp], bool]) -> AcceptedSong:
        """The song with some of its comps."""
        return replace(self, comps=tuple(comp for comp in self.comps if wanted(comp)))

    def placement(self, part: Part) -> Placement:
        """How a part plays with the song, or with the stem it was made of."""
        return TASKS[self.takes[part.take].task].placement

    def replaces(self, comp: AcceptedComp) -> bool:
        """Whether a comp takes the place of the song, or of its stem, anywhere."""
        return any(self.placement(part) is Placement.REPLACES for part in comp.parts)

    def is_instrument(self, stem: str) -> bool:
        """Whether a stem that takes were made of plays along with the song, and is no part of it."""
        return TASKS[self.takes[stem].task].placement is Placement.BESIDE

    @property
    def covering(self) -> Comp:
        """What replaces the song, and where."""
        return self.covering_of("")

    def covering_of(self, stem: str) -> Comp:
        """What replaces a stem, and where; "" for the song itself."""
        found: Comp = ()
        for comp in self.comps:
            for part in comp.parts if comp.stem == stem else ():
                if self.placement(part) is Placement.REPLACES:
                    found = overlay(found, part)
        return found

    @property
    def changed_stems(self) -> tuple[str, ...]:
        """The stems and instruments in which something took their place, in the order that happened first."""
        return tuple(dict.fromkeys(comp.stem for comp in self.comps if comp.stem and self.replaces(comp)))

    @property
    def adding(self) -> tuple[Comp, ...]:
        """What plays with the song: a comp for each place."""
        found = [
            tuple(part for part in comp.parts if self.placement(part) is Placement.BESIDE)
            for comp in self.comps
        ]
        return tuple(parts for parts in found if parts)

    @property
    def alone(self) -> Comp:
        """Accepted stems of the song, which leave it as it is."""
        return tuple(
            part
            for comp in self.comps
            for part in comp.parts
            if not comp.stem and self.placement(part) is Placement.ALONE
        )

    @property
    def audible(self) -> tuple[Comp, ...]:
        """Everything that is, or may be, heard: what replaces the song or a stem, and what plays along."""
        return (self.covering, *map(self.covering_of, self.changed_stems), *self.adding)


def accepted_in(index: TakeIndex, song: str) -> AcceptedSong:
    """What is accepted in a song now. A take of a take brings those it was made of, below it."""
    family = family_of(index, song)
    places = [(place, comp) for one in family.songs for place, comp in index.comps(one).items()]
    comps: list[AcceptedComp] = []
    laid: set[str] = set()
    for place, comp in sorted(places, key=lambda entry: index.acceptance(entry[0])):
        below = {base for part in comp for base in family.needs(part.take)} - laid
        for base in sorted(below, key=lambda take: family.takes[take].serial):
            whole = (family.whole(base),)
            comps.append(AcceptedComp(place_of(index.get(base)), whole, family.stem_of(base)))
        comps += _by_home(family, place, comp)
        laid |= below | {part.take for part in comp}
    return _accepted(index, song, tuple(comps), family, laid)


def _by_home(family: Family, place: Place, comp: Comp) -> Iterable[AcceptedComp]:
    """What is accepted in a place; of stems that sound alike, in the place of each."""
    homes = dict.fromkeys(family.home(part.take) for part in comp)
    for home in homes:
        parts = tuple(
            Part(take, start + home.begins, end + home.begins)
            for take, start, end in comp
            if family.home(take) == home
        )
        yield AcceptedComp(place, parts, home.stem)


def _accepted(
    index: TakeIndex, song: str, comps: tuple[AcceptedComp, ...], family: Family, laid: set[str]
) -> AcceptedSong:
    stems: dict[str, Stem] = {}
    known = {take: index.get(take) for take in laid}
    waiting = [comp.stem for comp in comps]
    while waiting:
        stem = waiting.pop(0)
        if not stem or stem in stems:
            continue
        for take in (stem, *family.ancestors(stem)):
            known.setdefault(take, index.get(take))
        stems[stem] = Stem(family.stem_of(stem), surface_of(stem, known, family))
        waiting.append(stems[stem].above)
    takes = {take: known[take] for take in (*laid, *stems)}
    return AcceptedSong(
        song,
        comps,
        takes,
        starts={take: family.whole(take).start for take in takes},
        stands_on={take: frozenset(family.ancestors(take)) for take in takes},
        heard={take: heard for take in laid if (heard := heard_by(take, known, family)) is not None},
        stems=stems,
    )


def accepted_whole(song: str, takes: Iterable[Take]) -> AcceptedSong:
    """As if all of some takes of a song, and nothing else, were accepted."""
    found = {take.id: take for take in takes}
    starts = {take.id: take.start for take in found.values()}
    comps = tuple(
        AcceptedComp(place_of(take), (Part(take.id, take.start, take.start + take.length),))
        for take in found.values()
    )
    heard = {take.id: take.recipe.heard for take in found.values() if take.recipe.heard}
    return AcceptedSong(song, comps, found, starts, dict.fromkeys(found, frozenset()), heard)
