"""A watched folder: the name of a dropped file is its request; its takes appear as files that land in place.

    FOLDER/song [repaint 17-20, 120 bpm].wav            the dropped file; never touched
    FOLDER/song [repaint 17-20, 120 bpm].progress.txt   progress and outcome
    FOLDER/Takes/song.repaint.1.wav                     the clip, stamped with its place on the timeline

The folder is a client like any other: its requests are jobs in the queue, named after the file's sound and words. So
each is rendered once, whatever restarts in between, and continues with what is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from bridge_server.endpoints.watch_folder.file_names import (
    BAR1,
    FileRequest,
    read_json,
    read_words,
    split_name,
)
from bridge_server.endpoints.watch_folder.scan import JSON_ENDING, KINDS, DroppedFile, Settling, scan
from bridge_server.endpoints.watch_folder.status_files import StatusFiles
from bridge_server.handlers.dispatcher import Dispatcher
from bridge_server.handlers.response import our_fault
from bridge_server.jobs.job import JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.log_words import Private, public_words
from bridge_server.settings import WatchSettings
from bridge_server.songs.alike import as_text
from bridge_server.songs.placement import Placement, placed
from bridge_server.songs.song_probe import SongProbe
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.sources import STORED, followed, open_source
from bridge_server.songs.tempo_file import read_midi_map
from bridge_server.supervisor import Supervisor
from clip_store.atomic_file import sweep_parts, write_whole
from clip_store.audio.audio_file import SUFFIXES, AudioInfo, probe_audio
from clip_store.audio.broadcast_wav import read_recipe
from clip_store.audio.decoder import OpenFile
from clip_store.blobs import BlobStore
from clip_store.errors import ClipStoreError
from clip_store.store import ClipStore
from clip_store.take import Take
from clip_store.take_files import attachment_endings, clip_of, free_name
from daw_protocol.addresses import BY_NAME
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.message import entries, read_value
from daw_protocol.replies import Acknowledged, Cancelled, Done, Failed, JobProgress, Reply, TakeReady
from daw_protocol.requests import Render
from daw_protocol.requests.render import MAX_TITLE
from daw_protocol.results import WatchFolderStatus
from daw_protocol.timeline import SongMap

log = logging.getLogger(__name__)

TAKES = "Takes"
NOTE_SECONDS = 1.0
"""How often the progress text is written: often enough to watch, seldom enough for a network drive."""

BAR1_ADVICE = (
    "If your DAW counts from one hour, or bar 1 is elsewhere, add its position to the words, such as "
    f'"{BAR1} 3600s".'
)

MAX_TEXT_BYTES = 1 << 20
"""Of a text with a request; a tempo map of 10,000 points has 400 KB."""

_NOT_YET = {ErrorCode.FILE_UNREADABLE, ErrorCode.FILE_CHANGED, ErrorCode.QUEUE_FULL}
"""May succeed a moment later: a file that is still being copied, a full queue."""


class WatchFolder:
    """One watched folder; `run` is its task.

    roots: the folders that links in it may lead to, beside itself.
    """

    def __init__(
        self,
        settings: WatchSettings,
        dispatcher: Dispatcher,
        store: ClipStore,
        queue: JobQueue,
        reader: SongReader,
        supervisor: Supervisor,
        roots: tuple[Path, ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._dispatcher = dispatcher
        self._store = store
        self._queue = queue
        self._reader = reader
        self._supervisor = supervisor
        self._roots = (settings.folder, *roots)
        self._clock = clock
        self._settling = Settling(settings.settle_seconds)
        self._busy: dict[Path, asyncio.Task[None]] = {}
        self._naming = asyncio.Lock()  # two takes of one name must not get the same number
        self._problem = ""
        self._key = f"drop:{settings.folder}".encode("utf-8", "replace").decode("utf-8")

    def status(self) -> WatchFolderStatus:
        """The folder's section in `status`."""
        busy = tuple(sorted(path.name for path in self._busy))
        return WatchFolderStatus(folder=str(self._settings.folder), problem=self._problem, busy=busy)

    async def run(self) -> None:
        """Runs until cancelled."""
        await asyncio.to_thread(self._sweep)
        while True:
            await self._look()
            await asyncio.sleep(self._settings.poll_seconds)

    def _sweep(self) -> None:
        """Removes what a killed server was writing: nothing has been begun by this one yet."""
        for folder in (self._settings.folder, self._settings.folder / TAKES):
            sweep_parts(folder, float("inf"))

    async def _look(self) -> None:
        try:
            drops = await asyncio.to_thread(scan, self._settings.folder)
        except OSError as error:  # an unavailable network drive may come back
            self._say_problem(f"{self._settings.folder} cannot be read: {error.strerror or error}.", error)
            return
        if " cannot be read: " in self._problem:
            self._problem = ""
        for dropped in self._settling.ready(drops, self._clock()):
            if dropped.path in self._busy:  # it changed while being processed: afterwards
                self._settling.again(dropped)
                continue
            task = self._supervisor.spawn("watched file", self._carry_out(dropped))
            self._busy[dropped.path] = task
            task.add_done_callback(lambda _, path=dropped.path: self._busy.pop(path, None))  # type: ignore[misc]

    async def _carry_out(self, dropped: DroppedFile) -> None:
        notes = StatusFiles(dropped.path, self._settings.language)
        try:
            await self._answer(dropped, notes)
        except ProtocolError as error:
            if (
                error.code in _NOT_YET
                and self._settling.age(dropped, self._clock()) < self._settings.patience_seconds
            ):
                self._settling.again(dropped)
            elif error.code is not ErrorCode.FILE_MISSING or await asyncio.to_thread(dropped.path.exists):
                await self._note(
                    notes.failed, error
                )  # of a file that was removed again no answer is expected
        except (ClipStoreError, OSError) as error:
            # The takes are in the store; they are written as soon as the folder lets them.
            self._say_problem(f"{dropped.path.name}: {error}", error)
            self._settling.again(dropped)
        except Exception:  # a bug ends this file's work only
            log.exception("the dropped file %s met a bug", Private(dropped.path.name))
            await self._note(notes.failed, our_fault())

    async def _answer(self, dropped: DroppedFile, notes: StatusFiles) -> None:
        """Has the file rendered, and writes its takes. Raises ProtocolError, ClipStoreError, OSError."""
        if not dropped.readable:
            raise _unreadable(dropped.path)
        found = await asyncio.to_thread(_wanted, dropped, self._roots)
        if found is None:
            return
        title, wanted, song_map = found
        path = await asyncio.to_thread(followed, dropped.path, self._roots)
        info = await asyncio.to_thread(_probe, path, self._open)
        digest = await self._reader.keep(path, self._open)
        placement = _placed(info, wanted)
        hint = "" if wanted.bar1 is not None else BAR1_ADVICE
        settled = {
            "source": STORED + digest,
            "title": title,
            "source_position": placement.position or 0,
            "notes": info.notes,
        }
        request = wanted.request(settled, song_map)
        name = await self._request_name(dropped, request, notes)
        if name is None or await asyncio.to_thread(notes.is_finished, name):
            return
        client = _WatchClient(self._key)
        response = await self._dispatcher.respond(request.evolve(id=name), client)
        facts = [f"{placement.fact} {hint}".strip()] if placement.fact else []
        try:
            if response.error is not None:
                raise response.error
            await self._follow(response.replies, client, notes, name, facts)
        except ProtocolError as error:
            raise placement.explained(error, hint) from error

    def _open(self, path: Path) -> BinaryIO:
        return open_source(path, self._roots)

    async def _request_name(self, dropped: DroppedFile, request: Render, notes: StatusFiles) -> str | None:
        """A name for the request that is the same for the same sound and words; None: it failed, and is not to be
        retried while its error text exists.

        One that failed gets the next name once that text has been removed. Where the server was killed before it wrote
        it, the name stays: nobody has been told, so nobody wants it again.
        """
        described = json.dumps(
            [dropped.path.name.encode("utf-8", "replace").decode(), request.to_fields()], sort_keys=True
        )
        base = hashlib.sha256(described.encode()).hexdigest()[:24]
        attempt, last = 1, None
        while (known := self._queue.find(self._key, f"{base}-{attempt}")) is not None:
            attempt, last = attempt + 1, known
        if last is None:
            return f"{base}-1"
        if last.state not in (JobState.FAILED, JobState.CANCELLED):
            return last.request_id
        if dropped.failed:
            return None
        untold = await asyncio.to_thread(notes.is_unfinished)
        return last.request_id if untold else f"{base}-{attempt}"

    async def _follow(
        self,
        first: tuple[Reply, ...],
        client: _WatchClient,
        notes: StatusFiles,
        name: str,
        facts: Sequence[str],
    ) -> None:
        """Everything up to the job's end: progress into the text, takes into files; facts: for the last text."""
        files: list[Path] = []
        warnings = list(facts)
        for reply in first:
            client.send(reply)
        while True:
            reply = await client.replies.get()
            if isinstance(reply, Acknowledged):
                await self._note(notes.progress, "queued", 0.0)
            elif isinstance(reply, JobProgress):
                if client.due():
                    await self._note(notes.progress, reply.stage, reply.fraction)
            elif isinstance(reply, TakeReady):
                take = self._store.index.get(reply.take)
                files += await self._write_take(take)
                warnings += [note for note in take.recipe.notes if note not in warnings]
                if reply.warning:
                    warnings.append(f"Take {reply.number}: {reply.warning}")
            elif isinstance(reply, Done):
                await asyncio.to_thread(notes.finished, name, files, warnings)
                self._problem = ""
                return
            elif isinstance(reply, Failed):
                raise ProtocolError(ErrorCode(reply.code), reply.sentence, reply.remedy, reply.field)
            elif isinstance(reply, Cancelled):
                remedy = "Delete this text file to render it after all."
                raise ProtocolError(ErrorCode.CANNOT_RENDER, reply.reason or "It was cancelled.", remedy)

    async def _write_take(self, take: Take) -> list[Path]:
        clip = await asyncio.to_thread(self._store.clip_path, take)
        async with self._naming:
            return await asyncio.to_thread(
                _write_files, self._settings.folder / TAKES, take, clip, self._store.blobs
            )

    async def _note(self, write: Callable[..., None], *values: Any) -> None:
        """Writes a status text; failing to is a problem to report, not a failure of the job."""
        try:
            await asyncio.to_thread(write, *values)
        except (ClipStoreError, OSError) as error:
            self._say_problem(str(error), error)
        else:
            self._problem = ""

    def _say_problem(self, problem: str, error: Exception) -> None:
        if problem != self._problem:
            log.warning("watched folder: %s", Private(problem, public_words(error)))
        self._problem = problem


class _WatchClient:
    """The folder as a client of the bridge."""

    door = "watched folder"

    def __init__(self, key: str) -> None:
        self.key = self.sender = key
        self.reply_to = ""
        self.replies: asyncio.Queue[Reply] = asyncio.Queue()
        self._noted = float("-inf")

    def send(self, reply: Reply) -> None:
        self.replies.put_nowait(reply)

    def due(self) -> bool:
        """Whether it is time for another line of progress."""
        now = time.monotonic()
        if now - self._noted < NOTE_SECONDS:
            return False
        self._noted = now
        return True


def _wanted(dropped: DroppedFile, roots: tuple[Path, ...]) -> tuple[str, FileRequest, SongMap | None] | None:
    """Title, request and the map of a MIDI file; None for a file without a request. Raises ProtocolError, OSError."""
    title, in_name = split_name(dropped.path.stem)
    if dropped.words is None and in_name is None:
        return None

    def open_file(path: Path) -> BinaryIO:
        return open_source(followed(path, roots), roots)

    if dropped.words is None and _is_ours(followed(dropped.path, roots)):
        return None
    if dropped.words is None:
        wanted = read_words(in_name or "")
    else:
        try:
            text = _words_in(dropped.words, open_file)
        except ValueError as error:
            raise ProtocolError(
                ErrorCode.FILE_UNREADABLE, f"{dropped.words.name} is not text in UTF-8.", "Save it as UTF-8."
            ) from error
        is_json = dropped.words.name.lower().endswith(JSON_ENDING)
        wanted = read_json(text) if is_json else read_words(text)
    song_map = read_midi_map(dropped.midi, open_file) if dropped.midi is not None else None
    return as_text(title, MAX_TITLE), wanted, song_map


def _words_in(path: Path, open_file: OpenFile) -> str:
    """Raises ProtocolError when there are too many, ValueError when they are not UTF-8, OSError."""
    with open_file(path) as file:
        data = file.read(MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        raise ProtocolError(
            ErrorCode.TOO_LARGE,
            f"{path.name} is larger than {MAX_TEXT_BYTES // 2**20} MB.",
            "A request needs a few lines. Rename the file if it is something else.",
        )
    return data.decode("utf-8-sig")


def _is_ours(path: Path) -> bool:
    """Whether it is a take of ours: those are dropped to be kept, not to be rendered again and again."""
    with contextlib.suppress(OSError, ClipStoreError):
        recipe = read_recipe(path)
        return recipe is not None and recipe.get("original") is not True  # a song of the producer's, exported
    return False


def _unreadable(path: Path) -> ProtocolError:
    kinds = ", ".join(ending.removeprefix(".") for ending in SUFFIXES)
    if path.suffix.lower() not in KINDS:
        return ProtocolError(
            ErrorCode.CANNOT_RENDER,
            f"The name {path.name!r} does not end in that of a kind of sound file, such as .wav.",
            f"Rename it, with nothing behind the ending. All kinds that can be read: {kinds}.",
        )
    return ProtocolError(
        ErrorCode.CANNOT_RENDER,
        f"{path.suffix} files cannot be read.",
        f"Bounce the song as WAV, AIFF or FLAC under the same name. All kinds that can be read: {kinds}.",
    )


def _probe(path: Path, open_file: OpenFile) -> AudioInfo:
    """Raises ProtocolError when it cannot be used, or not yet."""
    try:
        return probe_audio(path, open_file=open_file)
    except ClipStoreError as error:
        code = ErrorCode.FILE_UNREADABLE if path.exists() else ErrorCode.FILE_MISSING
        raise ProtocolError(code, error.sentence, error.remedy, "source") from error


def _placed(info: AudioInfo, wanted: FileRequest) -> Placement:
    """Where the dropped file lies: its time stamp counts its own samples; the project's rate may differ.

    Raises ProtocolError for a rate that is none.
    """
    rate = wanted.fields.get("rate")
    kind = entries(BY_NAME[wanted.task].request)["rate"].metadata["kind"]
    return placed(None, SongProbe.of(info).at_rate(None if rate is None else read_value("rate", kind, rate)))


def _write_files(folder: Path, take: Take, clip: Path, blobs: BlobStore) -> list[Path]:
    """The take's clip and attachments, where they are not there yet; nothing is overwritten."""
    base = free_name(folder, take, take.id)
    path = folder / f"{base}.wav"
    if not (path.exists() and clip_of(path, take.id)):
        write_whole(path, [clip.read_bytes()])
    found = [path]
    endings = attachment_endings([entry.name for entry in take.attachments])
    for entry in take.attachments:
        beside = folder / (base + endings[entry.name])
        if not beside.exists():
            write_whole(beside, [blobs.get_bytes(entry.digest)])
        found.append(beside)
    return found


def check_watched(settings: WatchSettings) -> None:
    """Raises ProtocolError when the folder cannot be watched."""
    if not settings.folder.is_dir():
        raise ProtocolError(
            ErrorCode.FILE_MISSING,
            f"The folder {settings.folder} cannot be watched: it does not exist.",
            "Create it or connect its drive, then start the server again.",
            "watch",
        )
