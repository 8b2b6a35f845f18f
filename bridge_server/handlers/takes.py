"""Takes: listing and showing them, choosing one for its region, undoing and redoing that, deleting one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, TypeVar

from bridge_server.audition.controller import AuditionController
from bridge_server.handlers.response import Response, understood
from bridge_server.handlers.take_files import address_of, take_file
from bridge_server.jobs.database import Connection, transaction
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.rendering.receipts import in_words
from bridge_server.sessions.client import Client
from bridge_server.sessions.events import Events, Notice
from bridge_server.songs.sources import TAKE
from clip_store.index import Place, place_of
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol import requests
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import TakeChosen
from daw_protocol.results import (
    ChosenTake,
    DeletedTake,
    FileSent,
    ListedTake,
    TakeList,
    TakeRecord,
    TakeWithRecipe,
)

Recorded = TypeVar("Recorded", bound=TakeRecord)


class TakeHandlers:
    """Requests about takes. Raises TakeError for an unknown take."""

    def __init__(
        self,
        store: ClipStore,
        connection: Connection,
        events: Events,
        queue: JobQueue,
        controller: AuditionController,
    ) -> None:
        self._store = store
        self._connection = connection
        self._events = events
        self._queue = queue
        self._controller = controller

    async def list(self, request: requests.ListTakes, _: Client) -> Response:
        takes = self._store.index.list(
            song=request.song, job=request.job, task=request.task, limit=request.limit, before=request.before
        )
        return understood(request, in_lines(takes) or "There are no takes.", self._listed(takes))

    async def show(self, request: requests.ShowTake, _: Client) -> Response:
        take = self._store.index.get(request.take)
        path = str(await asyncio.to_thread(self._store.clip_path, take))
        result = record(TakeWithRecipe, take, request=take.request, recipe=take.recipe, path=path)
        return understood(request, f"{take.task} at sample {take.position}: {path}", result)

    async def lineage(self, request: requests.ShowLineage, _: Client) -> Response:
        takes = self._store.index.lineage(request.take)
        return understood(request, in_lines(takes), self._listed(takes))

    async def choose(self, request: requests.ChooseTake, _: Client) -> Response:
        with transaction(self._connection):
            place = self._store.index.choose(request.take)
        self._publish(place, request.take)
        return understood(
            request, f"Take {request.take} is chosen for its region.", ChosenTake(chosen=request.take)
        )

    async def revert(self, request: requests.RevertTake, _: Client) -> Response:
        place = place_of(self._store.index.get(request.take))
        with transaction(self._connection):
            chosen = self._store.index.revert(place)
        self._publish(place, chosen)
        text = f"Take {chosen} is chosen again." if chosen else "Back to the original."
        return understood(request, text, ChosenTake(chosen=chosen))

    async def redo(self, request: requests.RedoTake, _: Client) -> Response:
        place = place_of(self._store.index.get(request.take))
        with transaction(self._connection):
            chosen = self._store.index.redo(place)
        self._publish(place, chosen)
        return understood(request, f"Take {chosen} is chosen again.", ChosenTake(chosen=chosen))

    async def delete(self, request: requests.DeleteTake, _: Client) -> Response:
        """Its audio goes with the next sweep, unless another take needs it."""
        take = self._store.index.get(request.take)
        place = place_of(take)
        clip = await asyncio.to_thread(self._store.existing_clip, take)
        self._refuse_in_use(take)
        with transaction(self._connection):
            was_chosen = self._store.index.chosen(place) == take.id
            self._store.index.delete(take.id)
            chosen = self._store.index.chosen(place)
        self._publish(place, chosen)
        text = f"Take {take.id} is deleted."
        text += " Its region is back to the original." if was_chosen else ""
        text += f" Its clip file stays: {clip}" if clip else ""
        return understood(request, text, DeletedTake(take=take.id, chosen=chosen, clip=str(clip or "")))

    def _refuse_in_use(self, take: Take) -> None:
        """Raises ProtocolError for a take that plays, or that an unfinished job is to be made from."""
        state = self._controller.state()
        if state.take == take.id and state.state != "stopped":
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                f"Take {take.id} is playing.",
                "Stop the audition (audition.stop), then delete it.",
                "take",
            )
        job = self._queue.songs_in_use().get(TAKE + take.id)
        if job is not None:
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                f"Job {job} still needs take {take.id} as its source.",
                "Wait for the job to end or cancel it, then delete the take.",
                "take",
            )

    async def fetch(self, request: requests.FetchTake, _: Client) -> Response:
        file = await take_file(self._store, request.take, request.what, request.name)
        sent = FileSent(bytes=file.size, url=address_of(request.take, request.what, request.name))
        return understood(request, file.name or request.what, sent, file)

    def _publish(self, place: Place, chosen: str | None) -> None:
        song, start, end, stem = place
        chosen_now = TakeChosen(take=chosen or "", song=song, start=start, end=end, stem=stem)
        self._events.publish(Notice(chosen_now))

    def _listed(self, takes: Iterable[Take]) -> TakeList:
        songs = {take.parent or "" for take in takes}
        in_force = {take for song in songs for take in self._store.index.choices(song).values()}
        return TakeList(takes=tuple(record(ListedTake, take, chosen=take.id in in_force) for take in takes))


def record(kind: type[Recorded], take: Take, **more: Any) -> Recorded:
    """A take as clients see it. more: the values of `kind` that TakeRecord does not have."""
    return kind(
        take=take.id,
        job=take.job,
        number=take.number,
        task=take.task,
        stem=take.stem,
        title=take.title,
        song=take.parent,
        audio=take.audio,
        origin=take.origin,
        position=take.position,
        length=take.length,
        rate=take.rate,
        created=take.created,
        prompt=str(take.request.get("prompt", "")),
        seed=take.recipe.seed,
        engine=str(take.request.get("engine", "")),
        receipt=take.receipt,
        words=tuple(in_words(take.receipt)),
        handles=take.handles is not None,
        attachments=tuple(entry.name for entry in take.attachments),
        **more,
    )


def in_lines(takes: Iterable[Take]) -> str:
    """Takes for a script that listens with oscdump."""
    return "; ".join(f"{take.id} {take.task} {take.stem} of {take.title}" for take in takes)
