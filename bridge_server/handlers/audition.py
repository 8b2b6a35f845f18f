"""What the server does with each command of the audition: finds what is meant, has the desk do it, tells the state."""

from __future__ import annotations

import asyncio
import time

from bridge_server.audition.controller import AuditionController
from bridge_server.audition.transport_sync import OSC
from bridge_server.handlers.response import Response, understood
from bridge_server.jobs.job import JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.sessions.client import Client
from bridge_server.sessions.events import ContextMoved, Events
from bridge_server.sessions.shared_context import SharedContext
from bridge_server.songs.song_reader import SongReader
from clip_store.errors import TakeError
from clip_store.index import TakeIndex
from daw_protocol.context import shared_request, tempo_map_of
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import AuditionState
from daw_protocol.requests import Request
from daw_protocol.requests import audition as asked
from daw_protocol.results import DeviceList


class AuditionHandlers:
    """Every answer's data is the state the desk is in then, as the notification `audition` has it."""

    def __init__(
        self,
        controller: AuditionController,
        index: TakeIndex,
        queue: JobQueue,
        reader: SongReader,
        shared_context: SharedContext,
        events: Events,
    ) -> None:
        self._controller = controller
        self._index = index
        self._queue = queue
        self._reader = reader
        self._shared_context = shared_context
        self._order = asyncio.Lock()
        events.subscribe(ContextMoved, lambda _: self._transport_heard())

    async def respond(self, request: Request, client: Client) -> Response:
        """Raises ProtocolError."""
        if isinstance(request, asked.ShowAudition):
            return self._told(request)
        # In the order they were sent: over OSC the next one does not wait for the answer to the one before.
        async with self._order:
            return await self._carried_out(request, client)

    async def _carried_out(self, request: Request, client: Client) -> Response:
        controller = self._controller
        match request:
            case asked.PlayAudition():
                await self._play(request, client)
            case asked.StopAudition():
                await controller.stop()
            case asked.CompareAudition():
                await controller.compare(request.side)
            case asked.NextTake():
                await controller.step(1)
            case asked.PreviousTake():
                await controller.step(-1)
            case asked.LoopAudition():
                await controller.manage(loops=request.on)
            case asked.SetAuditionBars():
                await controller.surround(request.before, request.after)
            case asked.SetAuditionGain():
                await controller.manage(gain_db=request.db)
            case asked.MatchAudition():
                await controller.manage(match=request.on)
            case asked.SeekAudition():
                await controller.seek(request.position)
            case asked.FollowTransport():
                await controller.follow(request.what, request.port)
                self._transport_heard()
            case asked.AuditionRenders():
                controller.auto = request.on
                controller.tell()
            case asked.ChooseDevice():
                device = await controller.choose_device(request.name)
                return self._told(request, f"Playing goes through {device}.")
            case asked.ListDevices():
                found = await controller.devices()
                words = "; ".join(f"{entry.number} {entry.name}" for entry in found) or "There is no device."
                state = vars(self._controller.state())
                return understood(request, words, DeviceList(**state, devices=tuple(found)))
        return self._told(request)

    def _told(self, request: Request, words: str = "") -> Response:
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
                await self._controller.play_take(take, request.side, request.before, request.after, span)
                return
        if job:
            await self._play_job(job, request, client)
        else:
            await self._play_song(request)

    async def _play_job(self, name: str, request: asked.PlayAudition, client: Client) -> None:
        """A job by its own id, or by the one this client asked for it with; one that is done by its newest take."""
        job = self._queue.get(name) or self._queue.find(client.key, name)
        if job is None:
            raise ProtocolError(
                ErrorCode.UNKNOWN_JOB,
                f"There is no job {name!r}.",
                "jobs.list shows all jobs.",
                "job",
            )
        if not job.state.terminal:
            await self._controller.play_job(job.id, request.before, request.after)
            return
        takes = self._index.list(job=job.id, limit=1)
        if job.state is not JobState.DONE or not takes:
            raise ProtocolError(
                ErrorCode.UNKNOWN_TAKE,
                f"Job {job.id} was {job.state.value} and has no take.",
                "Render it again.",
                "job",
            )
        span = (request.start, request.end)
        await self._controller.play_take(takes[0], request.side, request.before, request.after, span)

    async def _play_song(self, request: asked.PlayAudition) -> None:
        """A song that is named, or the one everybody looks at."""
        context = self._shared_context.context
        source = request.source or context.source
        if source is None:
            raise ProtocolError(
                ErrorCode.MISSING_FIELD,
                "Nothing to play was given.",
                "Send a take, a job or a source, or send /bridge/source first.",
                "take",
            )
        mine = source == context.source
        song = await self._reader.read(self._reader.check(source), context.rate if mine else None)
        tempo_map, _ = tempo_map_of(shared_request(context))
        position = context.source_position if mine else None
        origin = 0 if position is None else position.resolve(tempo_map, song.audio.rate)
        start = request.start
        if start is None and mine and request.end is None and not context.rolling:
            start = context.playhead
            if (
                start is not None
                and not 0 <= start.resolve(tempo_map, song.audio.rate) - origin < song.audio.frames
            ):
                start = None
        await self._controller.play_song(song, tempo_map, origin, (start, request.end))

    def _transport_heard(self) -> None:
        context = self._shared_context.context
        if context.playhead is not None:
            self._controller.transport_sync.reading(
                OSC, time.perf_counter(), context.playhead, context.rolling
            )


def in_words(state: AuditionState) -> str:
    """The state for a script that listens with oscdump."""
    what = state.take or state.job or "the song"
    where = f" through {state.device}" if state.device else ""
    found = {
        "playing": f"Playing {what}, {state.side}{where}.",
        "waiting": f"Waiting to play {what}.",
        "stopped": "Stopped.",
    }
    return f"{found[state.state]} {state.message}".strip()
