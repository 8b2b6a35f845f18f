"""Questions about takes: listing, showing, choosing one for its region, and going back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from bridge_server.handlers.response import Response, understood
from bridge_server.handlers.take_files import take_file
from bridge_server.jobs.database import Connection, transaction
from bridge_server.rendering.receipts import in_words
from bridge_server.sessions.client import Client
from bridge_server.sessions.events import Events, Notice
from clip_store.index import Place, place_of
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol import requests
from daw_protocol.receipt import Receipt
from daw_protocol.replies import TakeChosen


class TakeHandlers:
    """What the server says of the takes it has. Raises TakeError for a take it does not have."""

    def __init__(self, store: ClipStore, connection: Connection, events: Events) -> None:
        self._store = store
        self._connection = connection
        self._events = events

    async def list(self, request: requests.ListTakes, _: Client) -> Response:
        takes = self._store.index.list(
            song=request.song, job=request.job, task=request.task, limit=request.limit, before=request.before
        )
        lines = "; ".join(f"{take.id} {take.task} {take.stem} of {take.title}" for take in takes)
        in_force = self._in_force(takes)
        data = {"takes": [{**about(take), "chosen": take.id in in_force} for take in takes]}
        return understood(request, lines or "There are no takes.", data)

    async def show(self, request: requests.ShowTake, _: Client) -> Response:
        take = self._store.index.get(request.take)
        path = str(await asyncio.to_thread(self._store.clip_path, take))
        data = {**about(take), "request": dict(take.request), "recipe": dict(take.recipe), "path": path}
        return understood(request, f"{take.task} at sample {take.position}: {path}", data)

    async def choose(self, request: requests.ChooseTake, _: Client) -> Response:
        with transaction(self._connection):
            place = self._store.index.choose(request.take)
        self._publish(place, request.take)
        return understood(request, f"Take {request.take} is chosen for its region.", {"chosen": request.take})

    async def revert(self, request: requests.RevertTake, _: Client) -> Response:
        place = place_of(self._store.index.get(request.take))
        with transaction(self._connection):
            chosen = self._store.index.revert(place)
        self._publish(place, chosen)
        text = f"Take {chosen} is chosen again." if chosen else "Back to the original."
        return understood(request, text, {"chosen": chosen})

    async def fetch(self, request: requests.FetchTake, _: Client) -> Response:
        file = await take_file(self._store, request.take, request.what, request.name)
        return understood(request, file.name or request.what, {"bytes": file.size}, file)

    def _publish(self, place: Place, chosen: str | None) -> None:
        song, start, end, stem = place
        chosen_now = TakeChosen(take=chosen or "", song=song, start=start, end=end, stem=stem)
        self._events.publish(Notice(chosen_now))

    def _in_force(self, takes: Iterable[Take]) -> set[str]:
        songs = {take.parent or "" for take in takes}
        return {take for song in songs for take in self._store.index.choices(song).values()}


def about(take: Take) -> dict[str, Any]:
    """A take as `takes.list` tells it."""
    return {
        "take": take.id,
        "job": take.job,
        "number": take.number,
        "task": take.task,
        "stem": take.stem,
        "title": take.title,
        "song": take.parent,
        "audio": take.audio,
        "origin": take.origin,
        "position": take.position,
        "length": take.length,
        "rate": take.rate,
        "created": take.created,
        "prompt": take.request.get("prompt", ""),
        "seed": take.recipe.get("seed"),
        "engine": take.request.get("engine", ""),
        "receipt": dict(take.receipt),
        "words": in_words(Receipt.from_fields(dict(take.receipt))),
        "handles": take.handles is not None,
        "attachments": [entry.name for entry in take.attachments],
    }
