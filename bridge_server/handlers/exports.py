"""Exports a take or a song as a project for another DAW: its notes about each take, and where it may be written.

cli/export.py does the same from the command line.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bridge_server.handlers.response import Response, understood
from bridge_server.rendering.receipts import in_words
from bridge_server.sessions.client import Client
from bridge_server.songs.sources import find_folder
from bridge_server.version import VERSION
from clip_store.errors import TakeError
from clip_store.exports import Format, Project, song_project, take_project, write_export
from clip_store.store import ClipStore, statement
from clip_store.take import Take
from daw_protocol.replies import JobProgress
from daw_protocol.requests import Export
from daw_protocol.take_results import ExportedProject

FOLDER = "exports"
"""Below the store: the default folder for projects."""

PROGRESS_SECONDS = 0.1

Found = TypeVar("Found")


class ExportHandlers:
    """Writes exports for clients, into the server's folders or the store's own."""

    def __init__(self, store: ClipStore, roots: tuple[Path, ...]) -> None:
        self._store = store
        self._roots = roots

    async def export(self, request: Export, client: Client) -> Response:
        """Raises ProtocolError, TakeError, ClipStoreError."""
        folder = find_folder(request.folder, self._roots) if request.folder else self._store.root / FOLDER
        project = project_of(self._store, request.what, request.name)
        progress = _ExportProgress(request, client, asyncio.get_running_loop())
        written = await asyncio.to_thread(
            write_export, project, self._store.blobs, Format(request.format), folder, VERSION, progress
        )
        files = tuple(str(path) for path in written.files)
        result = ExportedProject(path=str(written.main), files=files, notes=written.notes)
        return understood(request, " ".join([str(written.main), *written.notes]), result)


class _ExportProgress:
    """Progress of a thread's work to a client, thinned out."""

    def __init__(self, request: Export, client: Client, loop: asyncio.AbstractEventLoop) -> None:
        self._request = request
        self._client = client
        self._loop = loop
        self._last = time.monotonic()

    def __call__(self, fraction: float) -> None:
        if time.monotonic() - self._last >= PROGRESS_SECONDS:
            self._last = time.monotonic()
            reply = JobProgress(id=self._request.id, job="", stage="exporting", fraction=fraction)
            with contextlib.suppress(RuntimeError):  # the server is stopping
                self._loop.call_soon_threadsafe(self._client.send, reply)


def project_of(store: ClipStore, what: str, name: str) -> Project:
    """The project of a take's id or a song's name, its accents composed or not. Raises TakeError, StoreError."""
    make: Callable[..., Project] = take_project if what == "take" else song_project
    return in_either_spelling(name, lambda spelled: make(store, spelled, describe))


def in_either_spelling(name: str, find: Callable[[str], Found]) -> Found:
    """What `find` gives for a name, its accents composed or not. Raises TakeError when neither is there."""
    try:
        return find(name)
    except TakeError:
        for spelled in {unicodedata.normalize(form, name) for form in ("NFC", "NFD")} - {name}:
            with contextlib.suppress(TakeError):
                return find(spelled)
        raise


def describe(take: Take) -> str:
    """How a take came about and what was measured, a line a fact."""
    lines = [statement(take)]
    seed = take.recipe.seed
    lines.append(f"Take {take.number}, id {take.id}" + (f", seed {seed}" if seed is not None else ""))
    return "\n".join([*lines, *in_words(take.receipt)])
