"""Finished takes on their way into the store and to the clients that wait for them: files first, then records, then
replies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from bridge_server.engines.outcome import Outcome
from bridge_server.jobs.database import Connection, transaction
from bridge_server.jobs.job import Job
from bridge_server.jobs.replies import analysed, planned, take_ready
from bridge_server.rendering.blueprints import own_tempo_map, with_bars, written_fields
from bridge_server.rendering.other_weights import needing_its_weights, note_on_weights
from bridge_server.rendering.plan import Plan
from bridge_server.rendering.postprocess import FinishedTake, TakeContext, blueprint_record, finish
from bridge_server.sessions.events import Events, JobReply
from bridge_server.songs.plans import Plans
from bridge_server.songs.song_tempos import SongTempos
from bridge_server.songs.sources import Song
from clip_store.errors import TakeError
from clip_store.store import ClipStore, source_type_of
from clip_store.take import Take
from daw_protocol.chord_sheet import bar_before, chords_text, placed_chords
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.recipe import BlueprintRecord
from daw_protocol.song_tempo import of_analysis
from model.engine import EngineDescription

MAX_CLIPS = 1000
DESCRIBED = ("caption", "lyrics", "language")
"""What a planner writes of a song; all else is better measured."""
NO_PLANNER = (
    "There is no planner to describe the song, so caption and lyrics are missing: run `takebridge models pull "
    "planner-1.7b` next to the ACE-Step weights."
)
NO_CAPTION = "The planner wrote no caption for this song. Send the request again; another seed may give one."


class TakeRecorder:
    """Lives on the event loop; what is slow runs in threads. clock: seconds since 1970."""

    def __init__(
        self,
        connection: Connection,
        store: ClipStore,
        events: Events,
        tempos: SongTempos,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._connection = connection
        self._store = store
        self._events = events
        self._tempos = tempos
        self._plans = Plans(store, connection)
        self.clock = clock

    def recorded(self, job: Job) -> set[int]:
        """Numbers of the takes the store has of this job."""
        return {take.number for take in self._takes(job)}

    def count(self, job: Job) -> int:
        """How many clips the store has of this job."""
        return len(self._takes(job))

    async def announce_recorded(self, job: Job) -> set[int]:
        """Announces what the store has of this job, in the order it came; returns the numbers of these takes."""
        takes = list(reversed(self._takes(job)))
        for take in takes:
            self._announce(job, take, await self._clip_path(take))
        return {take.number for take in takes}

    async def finish(self, context: TakeContext, outcome: Outcome) -> list[FinishedTake]:
        """Splices, measures and stores what was rendered. Raises ProtocolError, ClipStoreError."""
        outcome = self._compared(context, outcome)
        songs = [
            song for song in (context.song, *(track.song for track in context.stack)) if song is not None
        ]
        self._keep_xmp(songs)
        generative = any(map(self._is_generative, songs))
        context = replace(context, song_is_generative=generative)
        return await asyncio.to_thread(finish, context, outcome, self._store.blobs)

    def _compared(self, context: TakeContext, outcome: Outcome) -> Outcome:
        """With a note where it is a variation by other weights. Raises ProtocolError where it cannot be one then."""
        request = context.plan.request
        try:
            varied = self._store.index.get(request.origin) if request.origin else None
        except TakeError:  # deleted since
            varied = None
        if varied is None:
            return outcome
        needed_for = needing_its_weights(request, varied)
        note = note_on_weights(outcome, context.engine.weights, varied.recipe, needed_for=needed_for)
        report = outcome.report
        return replace(outcome, report=replace(report, notes=(*report.notes, note))) if note else outcome

    def _keep_xmp(self, songs: list[Song]) -> None:
        """What a song's file says stays with the song that takes belong to, which may be its file at another rate."""
        index = self._store.index
        for song in songs:
            if song.tags.xmp and not index.recall_xmp(song.parent):
                with transaction(self._connection):
                    index.remember_xmp(song.parent, song.tags.xmp)

    def _is_generative(self, song: Song) -> bool:
        """Whether a trained network made some of a song: by its file, by the takes in it, by the take that made it."""
        known = self._store.song_source_type(song.parent)
        if known is not None and known.is_generative:
            return True
        takes = song.heard.takes if song.heard else ()
        return any(source_type_of(take).is_generative for take in self._store.takes_there(takes))

    async def record(
        self, job: Job, finished: list[FinishedTake], check: Callable[[], None] = lambda: None
    ) -> tuple[Take, ...]:
        """Records all clips of one take, or none, and announces them. Raises ProtocolError, ClipStoreError.

        check: called before anything is recorded, with nothing waited for in between: what it raises leaves no record.
        """
        # The files before the records: a disk that fills up now must not leave a take of a job that failed.
        ready = [(entry.take, await self._clip_path(entry.take)) for entry in finished]
        check()
        with transaction(self._connection):
            for entry in finished:
                self._store.keep(entry.take, entry.audio, entry.handles)
                for kept in entry.kept:
                    self._store.index.kept.add(entry.take.id, entry.take.recipe.engine, kept)
        for take, path in ready:
            self._announce(job, take, path)
        return tuple(entry.take for entry in finished)

    def kept_of(self, song: Song | None, engine: str) -> str:
        """The blob of what an engine kept of this audio when it made it; "" without one."""
        found = None if song is None else self._store.index.kept.find(song.digest, engine)
        return found if found is not None and self._store.blobs.has(found) else ""

    async def record_found(
        self, job: Job, source: str, plan: Plan, outcome: Outcome, engine: EngineDescription
    ) -> None:
        """Keeps what was found in a song and announces it; of a part of it, with the job only. engine: that found it.

        Raises ProtocolError.
        """
        if outcome.blueprint is None:
            raise ProtocolError(
                ErrorCode.RENDER_REJECTED,
                "The engine found nothing in the song.",
                "Use another engine, or send the tempo.",
            )
        found = analysed_chords(blueprint_record(outcome.blueprint).evolve(notes=outcome.report.notes))
        if getattr(plan.request, "words", False) and not found.caption:
            found = found.evolve(notes=(NO_CAPTION if engine.reads_words else NO_PLANNER, *found.notes))
        if getattr(plan.request, "part", ""):
            first, end = (at / plan.rate for at in (plan.region_in_song.start, plan.region_in_song.end))
            found = found.evolve(
                notes=(f"This is about {first:.1f} s to {end:.1f} s of the song.", *found.notes)
            )
            self._tempos.keep_found_in_part(job.id, found)
        else:
            found = together(found, await self._tempos.found_in(source))
            await self._tempos.keep_found(job.id, source, found)
        self._events.publish(JobReply(job.id, analysed(job, found)))

    def record_plan(self, job: Job, number: int, plan: Plan, outcome: Outcome) -> None:
        """Keeps a new song's blueprint and announces it. Raises ProtocolError."""
        if outcome.blueprint is None:
            raise ProtocolError(
                ErrorCode.RENDER_REJECTED,
                "The engine planned nothing.",
                "Use another seed or another engine.",
            )
        found = blueprint_record(outcome.blueprint).evolve(notes=outcome.report.notes)
        decided = not {"tempo", "meter"} & set(written_fields(plan.request))
        tempo_map, start = plan.tempo_map, Fraction(plan.region.start, plan.rate)
        if not decided and (own := own_tempo_map(found)) is not None:
            tempo_map, start = own, Fraction(0)
        found = with_bars(found, tempo_map, start)
        self._plans.keep(job.id, number, found)
        self._events.publish(JobReply(job.id, planned(job, number, found)))

    async def _clip_path(self, take: Take) -> Path:
        """The take's Broadcast WAV, written now unless it is there."""
        return await asyncio.to_thread(self._store.clip_path, take)

    def _announce(self, job: Job, take: Take, path: Path) -> None:
        self._events.publish(JobReply(job.id, take_ready(job, take, path)))

    def _takes(self, job: Job) -> list[Take]:
        return list(self._store.index.list(job=job.id, limit=MAX_CLIPS))


def together(found: BlueprintRecord, before: BlueprintRecord | None) -> BlueprintRecord:
    """What is known of a song after an analysis: what was measured and what was described, each the newest there is."""
    if before is None:
        return found
    if found.downbeat is None and before.downbeat is not None:
        written = DESCRIBED if found.caption or found.lyrics else ()
        return before.evolve(**{name: getattr(found, name) for name in (*written, "notes")})
    if not found.caption:
        return found.evolve(**{name: getattr(before, name) for name in DESCRIBED})
    return found


def analysed_chords(found: BlueprintRecord) -> BlueprintRecord:
    """An analysis with its chords as text, on the bars it found."""
    if found.tempo is None or found.downbeat is None or not found.chords:
        return found
    tempo_map = of_analysis(found).tempo_map
    end = max(found.chords[-1].time, *(section.end for section in found.sections), 0.0)
    placed = placed_chords(found.chords, tempo_map)
    return found.evolve(chords_text=chords_text(placed, bar_before(Fraction(end), tempo_map)))
