"""What a render hears of its song: the song as it came, or as it stands with the takes that are accepted in it.

The takes stay takes of the song as it came, so that lists, comps and exports see one song. What they were made of is
kept in the store, and their recipes name it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from bridge_server.rendering.plan import Plan, plan_request
from bridge_server.rendering.song_shape import song_shape
from bridge_server.songs.song_probe import SongProbe
from bridge_server.songs.sources import Song
from clip_store.audio.audio import Audio
from clip_store.errors import TakeError
from clip_store.mix.accepted import AcceptedSong, accepted_in
from clip_store.mix.hearing import audible_to, extent, heard_audio, heard_record, without_alternatives
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol.requests import Render
from daw_protocol.requests.parts import Part
from daw_protocol.requests.render import ACCEPTED


class Hearing:
    """Finds out what renders hear. Lives on the event loop; what is slow runs in threads."""

    def __init__(self, store: ClipStore) -> None:
        self._store = store
        self._last: tuple[object, Audio] | None = None  # the song as it stands, for the next render of it

    async def plan(self, request: Render, probe: SongProbe | None, digest: str | None) -> Plan:
        """The plan of a request, by the headers of what it hears. digest: of its song; None while that is unknown.

        Raises ProtocolError, and StoreError when what an earlier take heard is gone.
        """
        if probe is None or digest is None or request.hears != ACCEPTED:
            return plan_request(request, probe)
        earlier = self._earlier("", request)
        if earlier is None:
            accepted = self._accepted(request, digest)
            fits = all(take.rate == probe.rate for take in accepted.takes.values())
            return _settled(request, probe, accepted)[0] if fits else plan_request(request, probe)
        if (heard := earlier.recipe.heard) is not None:
            info = await asyncio.to_thread(self._store.blobs.probe, heard.digest)
            probe = replace(probe, frames=info.frames, begins=heard.begins)
        return plan_request(request, probe)

    async def prepare(self, job: str, part: Part, song: Song) -> tuple[Song, Plan]:
        """The song as a job hears it, and its final plan. All takes of a job hear the same, whatever was accepted
        between them, and a variation hears what its origin did.

        Raises ProtocolError, ClipStoreError.
        """
        request = part.request
        if request.hears == ACCEPTED:
            earlier = self._earlier(job, request, part)
            if earlier is None:
                return await self._as_it_stands(request, song)
            if earlier.recipe.heard is not None:
                heard = earlier.recipe.heard
                audio = await asyncio.to_thread(self._store.blobs.get, heard.digest)
                song = replace(song, audio=audio, digest=heard.digest, original=song.digest, heard=heard)
        return song, plan_request(request, await _shape(song))

    def _earlier(self, job: str, request: Render, part: Part | None = None) -> Take | None:
        """A take that is to be made of the same as those of this part of the job."""
        of_job = self._store.index.list(job=job, limit=1000) if job else ()
        made = [take for take in of_job if part is None or take.number in part.takes]
        if made or not request.origin:
            return made[0] if made else None
        try:
            return self._store.index.get(request.origin)
        except TakeError:  # deleted since
            return None

    def _accepted(self, request: Render, digest: str) -> AcceptedSong:
        return audible_to(request.spec().placement, accepted_in(self._store.index, digest))

    async def _as_it_stands(self, request: Render, song: Song) -> tuple[Song, Plan]:
        """The song with what is accepted in it, apart from what the new takes may replace: that depends on their
        region, which may depend on where the music ends."""
        accepted = self._accepted(request, song.digest)
        if not _begins_after_music(request):
            shape = SongProbe(song.audio.frames, song.audio.rate, song.audio.channels)
            accepted = _settled(request, shape, accepted)[1]
        while accepted.comps:
            found = await self._heard(song, accepted)
            plan = plan_request(request, await _shape(found))
            left = _left(request, accepted, plan)
            if left.comps == accepted.comps:
                return found, plan
            accepted = left
        return song, plan_request(request, await _shape(song))

    async def _heard(self, song: Song, accepted: AcceptedSong) -> Song:
        """The song as it stands, which the store has then."""
        blobs, key = self._store.blobs, (song.digest, accepted.comps)
        known = self._last
        audio = (
            known[1] if known and known[0] == key else await asyncio.to_thread(heard_audio, accepted, blobs)
        )
        self._last = (key, audio)
        if not blobs.renew(audio.digest):
            await asyncio.to_thread(blobs.put, audio)
        begins = extent(accepted, song.audio.frames).start
        record = heard_record(accepted, audio.digest, begins)
        return replace(song, audio=audio, digest=audio.digest, original=song.digest, heard=record)


async def _shape(song: Song) -> SongProbe:
    shape = await asyncio.to_thread(song_shape, song.audio)
    return replace(shape, begins=song.heard.begins) if song.heard else shape


def _settled(request: Render, probe: SongProbe, accepted: AcceptedSong) -> tuple[Plan, AcceptedSong]:
    """The plan by figures, and what of the accepted takes it hears. probe: of the song as it came."""
    while True:
        span = extent(accepted, probe.frames)
        plan = plan_request(request, replace(probe, frames=span.length, begins=span.start))
        left = accepted if _begins_after_music(request) else _left(request, accepted, plan)
        if left.comps == accepted.comps:
            return plan, accepted
        accepted = left


def _left(request: Render, accepted: AcceptedSong, plan: Plan) -> AcceptedSong:
    stems: Collection[str] = getattr(request, "stems", ()) or getattr(request, "instruments", ())
    return without_alternatives(plan.spec.placement, accepted, plan.region_in_original, stems)


def _begins_after_music(request: Render) -> bool:
    return request.spec().after_music and request.start is None and request.bars is None
