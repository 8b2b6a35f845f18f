"""Requests of the audition: finds the take, job or song, hands the controller a command, answers with the state."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import NamedTuple

from bridge_server.audition.commands import (
    OSC,
    Compare,
    Configure,
    Follow,
    Seek,
    SetAuto,
    Stop,
)
from bridge_server.audition.controller import AuditionController
from bridge_server.audition.passages import Passages
from bridge_server.handlers.response import Response, understood
from bridge_server.jobs.job import Job, JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.sessions.client import Client
from bridge_server.sessions.events import ContextMoved, Events
from bridge_server.sessions.shared_context import SharedContext
from bridge_server.songs.placement import placed
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.sources import Song
from clip_store.errors import TakeError
from clip_store.index import TakeIndex
from clip_store.take import MIX, Take
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import AuditionState
from daw_protocol.requests import Request
from daw_protocol.requests import audition as asked
from daw_protocol.results import DeviceList
from daw_protocol.timeline import Position, TempoMap

AGAIN = "Render it again."
WITHOUT_TAKE = {
    JobState.DONE: ("its takes were deleted", AGAIN),
    JobState.FAILED: ("it failed", AGAIN),
    JobState.CANCELLED: ("it was cancelled", AGAIN),
}
MAX_TAKES = 1000  # of one job, looked through


class SongToPlay(NamedTuple):
    """A song without a take. origin: its first sample on the timeline; start: where to begin, None at its first."""

    song: Song
    tempo_map: TempoMap
    origin: int
    start: Position | None


class AuditionHandlers:
    """The result of every request is the state afterwards, as in the notification `audition`."""

    def __init__(
        self,
        controller: AuditionController,
        passages: Passages,
        index: TakeIndex,
        queue: JobQueue,
        reader: SongReader,
        shared_context: SharedContext,
        events: Events,
    ) -> None:
        self._controller = controller
        self._passages = passages
        self._index = index
        self._queue = queue
        self._reader = reader
        self._shared_context = shared_context
        self._order = asyncio.Lock()
        events.subscribe(ContextMoved, lambda _: self._pass_on_transport())

    async def respond(self, request: Request, client: Client) -> Response:
        """Raises ProtocolError."""
        if isinstance(request, asked.ShowAudition):
            return self._answer(request)
        if isinstance(request, asked.ShowPassage):
            return await self._passage(request, client)
        # In the order they were sent: over OSC the next one does not wait for the previous answer.
        async with self._order:
            return await self._carry_out(request, client)

    async def _carry_out(self, request: Request, client: Client) -> Response:
        controller = self._controller
        match request:
            case asked.PlayAudition():
                await self._play(request, client)
            case asked.StopAudition():
                await controller.apply(Stop())
            case asked.CompareAudition():
                await controller.apply(Compare(request.side))
            case asked.NextTake():
                await controller.step(1)
            case asked.PreviousTake():
                await controller.step(-1)
            case asked.LoopAudition():
                await controller.apply(Configure(loops=request.on))
            case asked.SetAuditionBars():
                await controller.set_bars(request.before, request.after)
            case asked.SetAuditionGain():
                await controller.apply(Configure(gain_db=request.db))
            case asked.MatchAudition():
                await controller.apply(Configure(match=request.on))
            case asked.SeekAudition():
                await controller.apply(Seek(request.position))
            case asked.FollowTransport():
                await controller.apply(Follow(request.what, request.port))
                self._pass_on_transport()
            case asked.AuditionRenders():
                await controller.apply(SetAuto(request.on))
            case asked.ChooseDevice():
                device = await controller.choose_device(request.name)
                return self._answer(request, f"Playing through {device}.")
            case asked.ListDevices():
                found = await controller.devices()
                words = (
                    "; ".join(f"{entry.number} {entry.name}" for entry in found)
                    or "There is no sound device."
                )
                state = vars(self._controller.state())
                return understood(request, words, DeviceList(**state, devices=tuple(found)))
        return self._answer(request)

    def _answer(self, request: Request, words: str = "") -> Response:
        state = self._controller.state()
        return understood(request, words or in_words(state), state)

    async def _play(self, request: asked.PlayAudition, client: Client) -> None:
        span = (request.start, request.end)
        job = request.job
        if request.take:
            try:
                take = self._index.get(request.take)
            except TakeError:
                if self._queue.get(request.take) is None:
                    raise
                job = request.take
            else:
                await self._controller.play_take(
                    take, request.side, request.before, request.after, span, request.stems
                )
                return
        if job:
            await self._play_job(job, request, client)
        else:
            await self._play_song(request)

    async def _play_job(self, name: str, request: asked.PlayAudition, client: Client) -> None:
        """A job by its id, or by the id this client gave its request. A finished job plays its newest take."""
        job = self._queue.named(name, client)
        if not job.state.terminal:
            await self._controller.play_job(job.id, request.before, request.after)
            return
        if job.state is not JobState.DONE:
            raise _without_take(job)
        span = (request.start, request.end)
        take = self._take_of(job, None)
        await self._controller.play_take(take, request.side, request.before, request.after, span)

    async def _passage(self, request: asked.ShowPassage, client: Client) -> Response:
        """What would play; whatever plays is not disturbed, and waits for nothing."""
        span = (request.start, request.end)
        bars = self._controller.bars_or(request.before, request.after)
        if request.job:
            job = self._queue.named(request.job, client)
            found = await self._passages.of_render(job.id, request.number, bars)
            if found is None:
                found = await self._passages.of_take(self._take_of(job, request.number), bars, span)
        elif request.take:
            found = await self._passages.of_take(self._index.get(request.take), bars, span, request.stems)
        else:
            song = await self._song(request)
            found = await self._passages.of_song(
                song.song, song.tempo_map, song.origin, (song.start, request.end)
            )
        return understood(request, f"Samples {found.start} to {found.end}.", found)

    def _take_of(self, job: Job, number: int | None) -> Take:
        """A finished take of a job: of a separation the stem that played while it was rendered, its first. Raises
        ProtocolError."""
        takes = self._index.list(job=job.id, limit=1 if number is None else MAX_TAKES)
        numbered = [take for take in takes if number in (None, take.number)]
        if not numbered:
            raise _without_take(job)
        return next((take for take in numbered if take.stem == MIX), numbered[-1])

    async def _play_song(self, request: asked.PlayAudition) -> None:
        song = await self._song(request)
        await self._controller.play_song(song.song, song.tempo_map, song.origin, (song.start, request.end))

    async def _song(self, request: asked.PlayAudition | asked.ShowPassage) -> SongToPlay:
        """The song named, or the shared context's. Raises ProtocolError."""
        context = self._shared_context.context
        source = request.source or context.source
        if source is None:
            raise ProtocolError(
                ErrorCode.MISSING_FIELD,
                "Nothing to play was given.",
                "Give a take, a job or a source, or send /bridge/source first.",
                "take",
            )
        shared = source == context.source
        name, rate = self._reader.check(source), context.rate if shared else None
        probe = await self._reader.probe(name, rate)
        song = await self._reader.read(name, rate)
        position = placed(context.source_position if shared else None, probe).position
        here = self._shared_context.shown_as(
            replace(context, source=name, source_position=position), song.audio.rate
        )
        tempo_map, origin = here.tempo_map, here.position
        start = request.start
        if start is None and shared and request.end is None and not context.rolling:
            start = context.playhead
            if (
                start is not None
                and not 0 <= start.resolve(tempo_map, song.audio.rate) - origin < song.audio.frames
            ):
                start = None
        return SongToPlay(song, tempo_map, origin, start)

    def _pass_on_transport(self) -> None:
        """The DAW's transport, for a controller that follows it over OSC."""
        context = self._shared_context.context
        if context.playhead is not None:
            self._controller.transport_sync.reading(
                OSC, time.perf_counter(), context.playhead, context.rolling
            )


def _without_take(job: Job) -> ProtocolError:
    reason, remedy = WITHOUT_TAKE.get(job.state, ("nothing is rendered yet", "Ask again when it has begun."))
    return ProtocolError(ErrorCode.UNKNOWN_TAKE, f"Job {job.id} has no take: {reason}.", remedy, "job")


def in_words(state: AuditionState) -> str:
    """The state as a sentence, for clients that show text."""
    what = state.take or state.job or "the song"
    where = f" through {state.device}" if state.device else ""
    sentences = {
        "playing": f"Playing {what}, {state.side}{where}.",
        "waiting": f"Waiting to play {what}.",
        "stopped": "Stopped.",
    }
    return f"{sentences[state.state]} {state.message}".strip()
