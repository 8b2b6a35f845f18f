"""Exports a take or a song as a project for another DAW, or the finished song: notes on each, and where it may go.

cli/export.py does the same from the command line.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from bridge_server.handlers.response import Response, understood
from bridge_server.handlers.running_requests import RequestProgress, RunningExport, RunningRequests
from bridge_server.jobs.database import open_to_read
from bridge_server.languages.installed import ENGLISH
from bridge_server.provenance.sealing import Sealing
from bridge_server.rendering.ledger_file import peaks_of_mix, write_ledger
from bridge_server.rendering.ledger_words import share_lines
from bridge_server.rendering.notes_file import write_notes
from bridge_server.rendering.receipts import in_words, song_in_words
from bridge_server.sessions.client import Client, Reader
from bridge_server.songs.sources import find_folder
from bridge_server.version import MADE_BY, VERSION
from clip_store.errors import TakeError
from clip_store.exports import Format, Project, Written, song_project, take_project, write_export
from clip_store.exports.arrange import find_song
from clip_store.exports.stems import write_stems
from clip_store.mix.accepted import accepted_in
from clip_store.mix.song_ledger import ledger_of, xmp_of_song
from clip_store.mix.song_mix import SongMix
from clip_store.mix.write_mix import MixFormat, SongToWrite, WrittenMix, write_mix
from clip_store.stems import stems_with
from clip_store.store import ClipStore, statement
from clip_store.take import Take
from daw_protocol.ledger import Ledger
from daw_protocol.requests import Export, ShowLedger
from daw_protocol.requests.export import LEDGER_FORMAT, MIX_FORMATS, NOTES_FORMAT, STEMS_FORMAT
from daw_protocol.take_results import ExportedProject

FOLDER = "exports"
"""Below the store: the default folder for projects."""

EXPORTING = "exporting"

Found = TypeVar("Found")


class ExportHandlers:
    """Writes exports for clients, into the server's folders or the store's own.

    database: the store's. A song with many takes, or on a long tempo map, takes a while to put together: that happens
    in a thread, with a connection of its own, which only reads.
    """

    def __init__(
        self,
        store: ClipStore,
        database: Path,
        roots: tuple[Path, ...],
        running: RunningRequests,
        sealing: Sealing | None = None,
        language: str = ENGLISH,
    ) -> None:
        """sealing: signs finished songs and what takes are in; None: nothing is signed. language: of the pages for
        clients that choose none."""
        self._store = store
        self._database = database
        self._roots = roots
        self._running = running
        self._sealing = sealing
        self._language = language

    async def export(self, request: Export, client: Client) -> Response:
        """Raises ProtocolError, TakeError, ClipStoreError."""
        folder = find_folder(request.folder, self._roots) if request.folder else self._store.root / FOLDER
        export = RunningExport(request.id, client, request.name, request.format)
        with self._running.begun(export):
            progress = RequestProgress(export, EXPORTING)
            if request.format in MIX_FORMATS:
                return await self._finished(request, folder, progress)
            language = client.language if isinstance(client, Reader) else self._language
            return await self._exported(request, folder, progress, language)

    async def ledger(self, request: ShowLedger, _: Client) -> Response:
        """Raises TakeError, ClipStoreError."""
        found = await asyncio.to_thread(self._ledger, request.song)
        return understood(request, " ".join(f"{line}." for line in share_lines(found)), found)

    def _ledger(self, name: str) -> Ledger:
        with self._reading() as store:
            return ledger_of_song(finished_song(store, name))

    async def _exported(
        self, request: Export, folder: Path, progress: Callable[[float], None], language: str
    ) -> Response:
        writers: dict[str, Callable[[Export, Path, Callable[[float], None]], Written]] = {
            STEMS_FORMAT: self._write_stems,
            LEDGER_FORMAT: partial(self._write_ledger, language=language),
            NOTES_FORMAT: self._write_notes,
        }  # no projects: the panel hands their files to the browser
        write = writers.get(request.format, self._write)
        written = await asyncio.to_thread(write, request, folder, progress)
        files = tuple(str(path) for path in written.files)
        url = self._url(written.main, folder) if request.format in writers else None
        result = ExportedProject(path=str(written.main), files=files, notes=written.notes, url=url)
        return understood(request, " ".join([str(written.main), *written.notes]), result)

    async def _finished(self, request: Export, folder: Path, progress: Callable[[float], None]) -> Response:
        written = await asyncio.to_thread(self._write_finished, request, folder, progress)
        result = ExportedProject(
            path=str(written.path),
            files=(str(written.path),),
            notes=written.notes,
            url=self._url(written.path, folder),
            receipt=written.receipt,
            words=tuple(song_in_words(written.receipt)),
        )
        return understood(request, " ".join([str(written.path), *written.notes]), result)

    def _url(self, path: Path, folder: Path) -> str | None:
        """Where GET finds a file that was written into the store's own folder."""
        return f"/{FOLDER}/{quote(path.name, safe='')}" if folder == self._store.root / FOLDER else None

    def _write_stems(self, request: Export, folder: Path, progress: Callable[[float], None]) -> Written:
        """Raises as `_write`."""
        with self._reading() as store:
            stems = stems_of(store, request.name)
        seal = self._sealing.takes if self._sealing else None
        return write_stems(stems, self._store.blobs, folder, progress, seal)

    def _write_ledger(
        self, request: Export, folder: Path, progress: Callable[[float], None], language: str
    ) -> Written:
        """Raises as `_write`."""
        with self._reading() as store:
            song = finished_song(store, request.name)
        peaks = peaks_of_mix(SongMix(song.accepted, self._store.blobs), progress)
        return write_ledger(ledger_of_song(song), peaks, folder, MADE_BY, time.time(), language)

    def _write_notes(self, request: Export, folder: Path, progress: Callable[[float], None]) -> Written:
        """Raises as `_write`, and ProtocolError."""
        with self._reading() as store:
            take = store.index.get(request.name)
            project = project_of(store, request.what, request.name)
        return write_notes(take, project, self._store.blobs, folder, progress)

    def _write(self, request: Export, folder: Path, progress: Callable[[float], None]) -> Written:
        """Raises TakeError, ClipStoreError, DatabaseError."""
        with self._reading() as store:
            project = project_of(store, request.what, request.name)
        seal = self._sealing.takes if self._sealing else None
        kind = Format(request.format)
        return write_export(project, self._store.blobs, kind, folder, VERSION, progress, seal)

    def _write_finished(self, request: Export, folder: Path, progress: Callable[[float], None]) -> WrittenMix:
        """Raises as `_write`."""
        with self._reading() as store:
            song = finished_song(store, request.name)
        seal = self._sealing.song if self._sealing else None
        return write_mix(song, self._store.blobs, MixFormat(request.format), folder, progress, seal)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[ClipStore]:
        """The store, for the thread it is called in."""
        with contextlib.closing(open_to_read(self._database)) as connection:
            yield ClipStore(self._store.root, connection)


def project_of(store: ClipStore, what: str, name: str) -> Project:
    """The project of a take's id or a song's name, its accents composed or not. Raises TakeError, StoreError."""
    make: Callable[..., Project] = take_project if what == "take" else song_project
    return in_either_spelling(name, lambda spelled: make(store, spelled, describe))


def finished_song(store: ClipStore, name: str) -> SongToWrite:
    """What is accepted in a song, by its title or digest. Raises TakeError when there is no such song."""
    song, title = in_either_spelling(name, lambda spelled: find_song(store, spelled))
    newest = next(iter(store.index.list(song=song, limit=1)), None)
    position = newest.position - newest.start if newest else 0
    title = title or (newest.title if newest else "song")
    accepted = accepted_in(store.index, song)
    ledger = ledger_of(store, accepted, title, position)
    return SongToWrite(accepted, title, position, ledger, xmp_of_song(store, accepted, ledger))


def ledger_of_song(song: SongToWrite) -> Ledger:
    """The ledger of a finished song."""
    assert song.ledger is not None, "finished_song makes it"
    return song.ledger


def stems_of(store: ClipStore, name: str) -> tuple[Take, ...]:
    """The stems of the separation that a take belongs to. Raises TakeError when it belongs to none."""
    stems = stems_with(store.index, store.index.get(name))
    if not stems:
        raise TakeError(f"Take {name} is no stem of a separation.", "Separate the song first: extract.")
    return stems


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
