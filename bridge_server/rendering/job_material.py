"""What the parts of a job are rendered from: their songs, read once each, and their plans.

A song is read when the first take needs it and let go after the last: of many songs only those under way are in memory.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bridge_server.jobs.job import Job
from bridge_server.rendering.hearing import Hearing
from bridge_server.rendering.job_progress import ProgressBar
from bridge_server.rendering.part_plans import refuse_overlaps
from bridge_server.rendering.plan import Plan, plan_request
from bridge_server.rendering.stack import StackedSong, plan_of_stack, stacked
from bridge_server.songs.asked_song import AskedSong, other_reference, saved_again
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.sources import Song
from daw_protocol.errors import ProtocolError
from daw_protocol.requests import Render
from daw_protocol.requests.parts import Part, parts_of
from daw_protocol.requests.tracks import EACH, TOGETHER


@dataclass(frozen=True)
class PartMaterial:
    """What all takes of a part are rendered from. stack: the songs of tracks that are rendered together."""

    part: Part
    plan: Plan
    song: Song | None
    reference: Song | None
    stack: tuple[StackedSong, ...] = ()


class JobMaterial:
    """Lives on the event loop.

    orders: the part of each order that is to be rendered.
    """

    def __init__(
        self,
        job: Job,
        request: Render,
        orders: Iterable[Part],
        hearing: Hearing,
        reader: SongReader,
        bar: ProgressBar,
    ) -> None:
        self._job = job.id
        self._asked = {name: AskedSong.from_json(known) for name, known in job.songs.items()}
        self._hearing = hearing
        self._request = request
        self._orders = tuple(orders)
        self._reader = reader
        self._bar = bar
        self._waiting = Counter(part.track for part in self._orders)
        self._reading = asyncio.Lock()
        self._reference: Song | None = None
        self._of_track: dict[int | None, dict[int, PartMaterial]] = {}

    async def of(self, part: Part) -> PartMaterial:
        """Raises ProtocolError for a song that cannot be read, and for a region that turns out to be impossible."""
        async with self._reading:
            if part.track not in self._of_track:
                self._of_track[part.track] = await self._read(part)
            return self._of_track[part.track][part.number]

    def ended(self, part: Part) -> None:
        """An order of this part is over."""
        self._waiting[part.track] -= 1
        if not self._waiting[part.track]:
            self._of_track.pop(part.track, None)

    async def _read(self, part: Part) -> dict[int, PartMaterial]:
        """The material of every part with this part's song."""
        self._bar.preparing("reading the song")
        if self._request.reference and self._reference is None:
            self._reference = await self._referred(self._request.reference)
        if part.request.mode == TOGETHER:
            return await self._read_stack()
        request = part.request
        song = await self._song(request) if request.source else None
        alike = {one.number: one for one in self._orders if one.track == part.track}.values()
        found = {one.number: await self._heard(one, song) for one in alike}
        refuse_overlaps([(one.part, one.plan) for one in found.values()])
        return found

    async def _song(self, request: Render) -> Song:
        """A song that a request is about, with a warning where its file is not what it was.

        Raises ProtocolError, also where the region would not be what was selected.
        """
        assert request.source is not None, "asked before"
        source = request.source
        song = await self._reader.read(source, request.rate)
        asked, state = self._asked.get(source), song.state
        if asked is None or state is None or asked.is_state(state) or not _places(request):
            return song
        if (now := await self._reader.asked(source, request.rate)) is not None:
            asked.refuse_elsewhere(now, state.path.name, request)
        another = self._is_another(source, song)
        return replace(song, warning=saved_again(state.path.name)) if another else song

    def _is_another(self, name: str, song: Song) -> bool:
        """Whether a file was saved again since it was asked for, and what was read is not known to be the same audio.

        By what was read, not by the file: it may have been saved once more since.
        """
        asked = self._asked.get(name)
        if asked is None or song.state is None or asked.is_state(song.state):
            return False
        return not asked.digest or asked.digest != (song.came_as or song.digest)

    async def _heard(self, part: Part, song: Song | None) -> PartMaterial:
        """The material of a part, with the song as the part hears it."""
        if song is None:
            return PartMaterial(part, plan_request(part.request, None), None, self._reference)
        heard, plan = await self._hearing.prepare(self._job, part, song)
        return PartMaterial(part, plan, heard, self._reference)

    async def _read_stack(self) -> dict[int, PartMaterial]:
        """The material of every part, each of which is about all tracks together."""
        alone = {part.track: part.request for part in parts_of(self._request.evolve(mode=EACH))}
        songs = [await self._song(request) for request in alone.values()]
        parts = {one.number: one for one in self._orders}.values()
        return {one.number: self._stacked(one, songs) for one in parts}

    def _stacked(self, part: Part, songs: Sequence[Song]) -> PartMaterial:
        stack = stacked(part.request, songs)
        return PartMaterial(part, plan_of_stack(part.request, stack), None, self._reference, stack)

    async def _referred(self, name: str) -> Song:
        """The audio a render's timbre is taken from. Raises ProtocolError about it, not about the song."""
        try:
            song = await self._reader.read(name, None)
            if self._is_another(name, song):
                assert song.state is not None, "a file's"
                raise other_reference(song.state.path.name)
            return song
        except ProtocolError as error:
            raise ProtocolError(error.code, error.sentence, error.remedy, "reference") from error


def _places(request: Render) -> bool:
    """Whether it matters where in the song something is: what is found in a whole song is kept with its audio."""
    return request.spec().makes_takes or bool(getattr(request, "part", ""))
