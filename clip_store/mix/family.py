"""A song's takes, those made of their results and of its stems, and so on. Reads the index only.

Positions are samples from the first of the song the family is of, whichever song a take was made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from clip_store.comp import Comp, Part, normalised, overlay
from clip_store.index import TakeIndex, TakeLink
from clip_store.take import Take
from daw_protocol.recipe import HeardSong
from daw_protocol.tasks import TASKS, Placement


@dataclass(frozen=True)
class FamilySong:
    """A song in a family. begins: of its first sample; stem: the take it is the sound of, or a result of that sound
    with takes in it; "" for the song the family is of and its results."""

    begins: int
    stem: str = ""


@dataclass(frozen=True)
class Family:
    """takes: by id, in the order they were made; songs: by digest, several where stems of other places sound alike."""

    takes: Mapping[str, TakeLink]
    songs: Mapping[str, tuple[FamilySong, ...]]

    def home(self, take: str) -> FamilySong:
        """The song a take was made of: of several that sound alike the one that lay where it lies."""
        link = self.takes[take]
        homes = self.songs[link.parent]
        first = link.position - link.start
        return next((one for one in homes if one.stem and self.takes[one.stem].position == first), homes[0])

    def stem_of(self, take: str) -> str:
        """The stem or instrument a take was made of; "" where it was made of the song."""
        return self.home(take).stem

    def whole(self, take: str) -> Part:
        """All of a take."""
        link = self.takes[take]
        start = self.home(take).begins + link.start
        return Part(take, start, start + link.length)

    def ancestors(self, take: str) -> list[str]:
        """The takes whose result a take was made of, and theirs, nearest first; of equal results the first."""
        found: list[str] = []
        song: str | None = self.takes[take].parent
        while song and (base := self._by_result.get(song)) and base not in (*found, take):
            found.append(base)
            song = self.takes[base].parent
        return found

    def needs(self, take: str) -> list[str]:
        """The takes without which a take would not sound as it does: its ancestors, and those of its stem.

        An instrument is one of them; a stem is not: it is part of the song as it is.
        """
        found = self.ancestors(take)
        while stem := self.stem_of(take):
            if TASKS[self.takes[stem].task].placement is Placement.BESIDE:
                found.append(stem)
            found += self.ancestors(stem)
            take = stem
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
    takes: dict[str, TakeLink] = {}
    songs = {song: (FamilySong(0),)}
    family = Family(takes, songs)
    waiting = [song]
    while waiting:
        digest = waiting.pop(0)
        links, results, stems = index.links(digest), index.songs_made_of(digest), index.stems_used(digest)
        takes.update((link.id, link) for link in links)
        for link in links:
            child, home = _child(index, link, family.home(link.id), results, stems)
            if home is None or not _is_new(songs.get(child, ()), home):
                continue
            if child not in songs:
                waiting.append(child)
            songs[child] = (*songs.get(child, ()), home)
    return Family(dict(sorted(takes.items(), key=lambda entry: entry[1].serial)), songs)


def _child(
    index: TakeIndex, link: TakeLink, home: FamilySong, results: set[str], stems: set[str]
) -> tuple[str, FamilySong | None]:
    """The song that a take made, if takes were made of it: its result, or its sound where it is a stem."""
    if link.result is not None and link.result in results:
        # A region before the song's first sample makes the result begin earlier, as an accepted lead-in does.
        heard = index.get(link.id).recipe.heard
        earlier = min(heard.begins if heard else 0, link.start)
        return link.result, FamilySong(home.begins + earlier, home.stem)
    if link.id in stems:
        return link.audio, FamilySong(home.begins + link.start, link.id)
    return "", None


def _is_new(known: tuple[FamilySong, ...], home: FamilySong) -> bool:
    """Whether a song is not in the family yet. Stems that are alike, such as silent ones, are where each of them is."""
    return not known or bool(home.stem and known[0].stem and all(home.begins != one.begins for one in known))


def heard_by(take: str, takes: Mapping[str, Take], family: Family) -> HeardSong | None:
    """What was accepted in what a take was made of, as parts of the family's song; None for the song, or its stem, as
    it came.

    A take of an earlier one's result hears what that one did, and all of it. digest, begins: as in its own record.
    """
    line = [take, *family.ancestors(take)]
    number = next((number for number, one in enumerate(line) if takes[one].recipe.heard), len(line) - 1)
    record = takes[line[number]].recipe.heard
    if record is None and number == 0:
        return None
    begins, record = family.home(line[number]).begins, record or HeardSong()
    parts = moved(record.parts, begins)
    # Without a record the last one of the line is heard as well: it was made of the song as it came.
    for base in line[number:0:-1]:
        parts = overlay(parts, family.whole(base))
    return replace(record, parts=parts, backing=(), stems=moved(record.stems, begins))


def moved(parts: tuple[tuple[str, int, int], ...], begins: int) -> Comp:
    """Parts counted from another sample. begins: of theirs, from that one."""
    return tuple(Part(take, start + begins, end + begins) for take, start, end in parts)


def surface_of(stem: str, takes: Mapping[str, Take], family: Family) -> Comp:
    """What took the song's place in the song a stem was separated from; an instrument lies on itself."""
    if TASKS[takes[stem].task].placement is Placement.BESIDE:
        return (family.whole(stem),)
    heard = heard_by(stem, takes, family)
    return () if heard is None else normalised(Part(*part) for part in heard.parts)
