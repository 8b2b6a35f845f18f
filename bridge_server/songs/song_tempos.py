"""The tempos that are kept with songs, and what analyses found in them, by the names requests use for songs."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from bridge_server.jobs.database import Connection, transaction
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.sources import STORED, TAKE, FileState, state_of
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol.errors import ProtocolError
from daw_protocol.recipe import BlueprintRecord
from daw_protocol.song_tempo import SongTempo
from daw_protocol.tasks import TASKS
from daw_protocol.timeline.tempo_edits import later_by

log = logging.getLogger(__name__)

MOST_FRESH = 256


class SongTempos:
    """Lives on the event loop. A tempo belongs to a song's audio, so it is found under any name and after a move."""

    def __init__(self, store: ClipStore, connection: Connection, reader: SongReader) -> None:
        self._index = store.index
        self._connection = connection
        self._reader = reader
        # Files that were saved a moment ago: the store does not remember them before they have settled.
        self._fresh: dict[str, tuple[FileState, str]] = {}

    async def of(self, source: str) -> SongTempo | None:
        """The tempo kept with a song; reads a file never seen, if tempos are kept at all. Raises ProtocolError."""
        if not self._index.keeps_tempos:
            return None
        if (take := self._reader.take_of(source)) is not None:
            return self._of_take(take)
        return self._recalled(await self._digest(source))

    def recall(self, source: str) -> SongTempo | None:
        """The tempo kept with a song, without reading anything: None for a file never seen, or gone."""
        try:
            if self._index.keeps_tempos and (take := self._reader.take_of(source)) is not None:
                return self._of_take(take)
            digest = self._known_digest(source) if self._index.keeps_tempos else None
        except ProtocolError:
            return None
        return None if digest is None else self._recalled(digest)

    async def keep(self, source: str, tempo: SongTempo | None) -> None:
        """Keeps a tempo with a song; None: forgets it. Raises ProtocolError."""
        digest = await self._digest(source)
        if (take := self._reader.take_of(source)) is not None:
            digest, later = self._home(take)
            tempo = None if tempo is None else _later(tempo, later)
        with transaction(self._connection):
            self._index.remember_tempo(digest, None if tempo is None else json.dumps(tempo.to_json()))

    async def found_in(self, source: str) -> BlueprintRecord | None:
        """What was found last in a song; None where nothing was. Raises ProtocolError."""
        return _record(self._index.analysis_of_song(await self._analysed(source)))

    def found_by(self, job: str) -> BlueprintRecord | None:
        """What a job found."""
        return _record(self._index.analysis_of_job(job))

    async def keep_found(self, job: str, source: str, found: BlueprintRecord) -> None:
        """Keeps what a job found in a song. Raises ProtocolError."""
        digest = await self._analysed(source)
        with transaction(self._connection):
            self._index.remember_analysis(job, digest, json.dumps(found.to_fields()))

    def keep_found_in_part(self, job: str, found: BlueprintRecord) -> None:
        """Keeps what a job found in a part of a song, which is not what the song is."""
        with transaction(self._connection):
            self._index.remember_analysis(job, "", json.dumps(found.to_fields()))

    def _of_take(self, take: Take) -> SongTempo | None:
        """The tempo kept with the song that a take was made of, counted from the take's first sample as a song."""
        digest, later = self._home(take)
        kept = self._recalled(digest)
        return None if kept is None else _later(kept, -later)

    def _home(self, take: Take) -> tuple[str, Fraction]:
        """The song that a take, and those it was made of, were made of; and when the take begins in it, in seconds."""
        digest, later = take.parent or take.audio, first_in_song(take)
        seen = {digest}
        while (maker := self._index.maker_of(digest)) is not None and maker.parent not in (None, *seen):
            digest, later = maker.parent or "", later + first_in_song(maker)
            seen.add(digest)
        return digest, later

    async def _analysed(self, source: str) -> str:
        """The digest an analysis is kept under: a stem's, or that of a take that begins elsewhere, is its own."""
        take = self._reader.take_of(source)
        if take is not None and (TASKS[take.task].is_track or first_in_song(take)):
            return take.audio
        return await self._digest(source)

    async def _digest(self, source: str) -> str:
        digest = await self._reader.digest_of(source)
        if not source.startswith((STORED, TAKE)):
            self._fresh[source] = (state_of(Path(source)), digest)
            while len(self._fresh) > MOST_FRESH:
                del self._fresh[next(iter(self._fresh))]
        return digest

    def _known_digest(self, source: str) -> str | None:
        known = self._reader.known_digest(source)
        if known is not None or source not in self._fresh:
            return known
        state, digest = self._fresh[source]
        return digest if state == state_of(Path(source)) else None

    def _recalled(self, digest: str) -> SongTempo | None:
        text = self._index.recall_tempo(digest)
        try:
            return None if text is None else SongTempo.from_json(json.loads(text))
        except ValueError:  # of another version: as good as none, and the producer is asked again
            log.warning("the tempo kept with %s cannot be read", digest)
            return None


def first_in_song(take: Take) -> Fraction:
    """The first sample of a take as a song, in seconds from the first of the song it was made of."""
    if take.parent is None:
        return Fraction(0)
    if TASKS[take.task].is_track:
        return Fraction(take.start, take.rate)
    begins = take.recipe.heard.begins if take.recipe.heard else 0
    return Fraction(min(begins, take.start), take.rate)


def _later(tempo: SongTempo, seconds: Fraction) -> SongTempo:
    return replace(tempo, tempo_map=later_by(tempo.tempo_map, seconds)) if seconds else tempo


def _record(text: str | None) -> BlueprintRecord | None:
    return None if text is None else BlueprintRecord.from_stored(json.loads(text))
