"""Questions about takes: listing, showing, choosing one for its region, and going back."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

from bridge_server.answer import Answer, understood
from bridge_server.client import Client
from bridge_server.database import transaction
from clip_store.index import place_of
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol import requests


class TakeAnswers:
    """What the server says of the takes it has. Raises TakeError for a take it does not have."""

    def __init__(self, store: ClipStore, connection: sqlite3.Connection) -> None:
        self._store = store
        self._connection = connection

    async def list(self, request: requests.ListTakes, _: Client) -> Answer:
        takes = self._store.index.list(
            song=request.song, job=request.job, task=request.task, limit=request.limit
        )
        lines = "; ".join(f"{take.id} {take.task} {take.stem} of {take.title}" for take in takes)
        return understood(request, lines or "There are no takes.", {"takes": [about(take) for take in takes]})

    async def show(self, request: requests.ShowTake, _: Client) -> Answer:
        take = self._store.index.get(request.take)
        path = str(await asyncio.to_thread(self._store.clip_path, take))
        data = {**about(take), "request": dict(take.request), "recipe": dict(take.recipe), "path": path}
        return understood(request, f"{take.task} at sample {take.position}: {path}", data)

    async def choose(self, request: requests.ChooseTake, _: Client) -> Answer:
        with transaction(self._connection):
            self._store.index.choose(request.take)
        return understood(request, f"Take {request.take} is chosen for its region.", {"chosen": request.take})

    async def revert(self, request: requests.RevertTake, _: Client) -> Answer:
        with transaction(self._connection):
            chosen = self._store.index.revert(place_of(self._store.index.get(request.take)))
        text = f"Take {chosen} is chosen again." if chosen else "The original is back."
        return understood(request, text, {"chosen": chosen})


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
        "receipt": dict(take.receipt),
        "handles": take.handles is not None,
        "attachments": [entry.name for entry in take.attachments],
    }
