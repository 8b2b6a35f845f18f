"""Finds the song a request names and has it read: from a file, an upload, the store, or another take.

The last song stays in memory, so that the second request about it costs nothing; reading happens in a thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from bridge_server.errors import as_protocol_error
from bridge_server.jobs.database import Connection, transaction
from bridge_server.songs.alike import as_text, file_title, upload_title
from bridge_server.songs.asked_song import AskedSong
from bridge_server.songs.song_probe import SongProbe, converted_frames, project_rate
from bridge_server.songs.sources import (
    SETTLED_NS,
    STORED,
    TAKE,
    FileState,
    Song,
    find_file,
    is_reference,
    name_below,
    open_source,
    read_song,
    state_of,
    still_at,
    stored_song,
)
from clip_store.audio.audio import quantise
from clip_store.audio.audio_file import probe_audio
from clip_store.audio.decoder import OpenFile
from clip_store.audio.tags import NO_TAGS, Tags
from clip_store.errors import ClipStoreError
from clip_store.regular_file import open_regular
from clip_store.splice import check_alike, frames_with_clip
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol.errors import ErrorCode, ProtocolError, unicode_only
from daw_protocol.requests.render import MAX_TITLE
from daw_protocol.results import SongFile
from daw_protocol.tasks import TASKS
from model.dsp.resample import resample

KEPT_PROBES = 256


class SongReader:
    """Songs by the names requests use. clock: nanoseconds since 1970."""

    def __init__(
        self,
        store: ClipStore,
        connection: Connection,
        roots: tuple[Path, ...],
        most_seconds: float,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._store = store
        self._connection = connection
        self._roots = roots
        self._most_seconds = most_seconds
        self._clock = clock
        self._last: Song | None = None
        self._probes: dict[FileState | str, SongProbe] = {}

    def check(self, name: str, field: str = "source") -> str:
        """The name as it can be kept: files become absolute paths. Quick. Raises ProtocolError about `field`."""
        if not is_reference(name):
            try:
                return unicode_only(str(find_file(name, self._roots, field)))
            except ProtocolError:
                if not name.startswith((STORED, TAKE)):
                    raise  # else it was rather meant as a reference
        if name.startswith(STORED):
            if not self._holds(name.removeprefix(STORED)):
                raise ProtocolError(
                    ErrorCode.FILE_MISSING,
                    f"The store does not hold {name[:80]}.",
                    "Upload the song again, or give its file name."
                    if field == "source"
                    else "Upload it again, or give its file name.",
                    field,
                )
        else:
            self._take(name, field)
        return name

    def option_file(self, option: str, name: str) -> str:
        """The absolute path of a file that an engine's option names. Raises ProtocolError."""
        path = str(find_file(name, self._roots, option))
        if unicode_only(path) != path:
            raise ProtocolError(
                ErrorCode.FILE_UNREADABLE,
                f"{unicode_only(path)} has a name or a folder that is not UTF-8, which engines cannot open.",
                "Rename it.",
                option,
            )
        return path

    def option_file_now(self, option: str, name: str) -> tuple[Path, str]:
        """A file that `option_file` gave when the request came, and its name below its root. Raises ProtocolError."""
        path = still_at(name, self._roots, option)
        return path, name_below(path, self._roots)

    def _holds(self, digest: str) -> bool:
        try:
            return self._store.blobs.has(digest)
        except ValueError:  # not a digest at all
            return False

    async def probe(self, name: str, rate: int | None, field: str = "source") -> SongProbe:
        """What the header says of a song, at the project's rate. Quick. Raises ProtocolError about `field`.

        It raises what `read` would, for all that shows without the samples.
        """
        take = self._take(name, field) if name.startswith(TAKE) else None
        # Stored audio and takes never change.
        state = None
        if not name.startswith((STORED, TAKE)):
            path = still_at(name, self._roots, field)
            name, state = str(path), state_of(path, field)
        known = self._probes.get(state or name)
        if known is None:
            try:
                known = await asyncio.to_thread(self._header, name, take)
            except ClipStoreError as error:
                raise as_protocol_error(error, field) from error
            if state is None or self._clock() - state.modified_ns > SETTLED_NS:
                self._remember(state or name, known)
        if name.startswith(
            STORED
        ):  # after the cache: the same sound may come again in a file with another stamp
            known = replace(known, stamp=self._store.index.recall_stamp(name.removeprefix(STORED)))
        return known.at_rate(rate)

    async def asked(self, name: str, rate: int | None, field: str = "source") -> AskedSong | None:
        """A song's file as it is now, for a request at this rate; None for stored audio and takes, which never change.

        Raises ProtocolError about `field`.
        """
        if name.startswith((STORED, TAKE)):
            return None
        state = state_of(still_at(name, self._roots, field), field)
        return AskedSong.of(state, await self.probe(name, rate, field), self._remembered(state))

    def _header(self, name: str, take: Take | None) -> SongProbe:
        """Reads the header of a file, of stored audio, or of what a take is as a song."""
        blobs = self._store.blobs
        if name.startswith(STORED):
            return SongProbe.of(blobs.probe(name.removeprefix(STORED)))
        if take is None:
            return SongProbe.of(probe_audio(Path(name), self._most_seconds, self._open))
        clip = blobs.probe(take.audio)
        if take.base is None or TASKS[take.task].is_track:
            return replace(SongProbe.of(clip), stamp=Fraction(take.position, take.rate))
        song = blobs.probe(take.base)
        check_alike(song, clip)
        return replace(
            SongProbe.of(replace(song, encoding=clip.encoding)),
            frames=frames_with_clip(song.frames, clip.frames, take.start_in_base),
            stamp=Fraction(take.position - max(0, take.start_in_base), take.rate),
        )

    def _remember(self, name: FileState | str, probe: SongProbe) -> None:
        self._probes[name] = probe
        if len(self._probes) > KEPT_PROBES:
            del self._probes[next(iter(self._probes))]

    async def read(self, name: str, rate: int | None) -> Song:
        """The song at the project's rate, with a copy of it in the store. Raises ProtocolError.

        rate: the one asked for; None: `project_rate` of the file's.
        """
        song = await self._native(name)
        wanted = project_rate(song.audio.rate) if rate is None else rate
        if wanted != song.audio.rate:
            song = await asyncio.to_thread(self._converted, song, wanted)
        self._last = song
        return song

    async def _native(self, name: str) -> Song:
        if name.startswith(STORED):
            title = upload_title(self.uploaded_as(name) or "")
            return await self._stored(name.removeprefix(STORED), title)
        if name.startswith(TAKE):
            return await asyncio.to_thread(self._song_with, self._take(name))
        path = still_at(name, self._roots)
        digest, state, song = await self._kept(path, self._open)
        if song is not None:
            return song
        try:
            return await self._stored(digest, file_title(path), state)
        except ProtocolError:  # the copy was damaged; the file is there to mend it with
            return await asyncio.to_thread(read_song, path, self._store.blobs, self._most_seconds, self._open)

    def _open(self, path: Path) -> BinaryIO:
        return open_source(path, self._roots)

    def remember_upload(
        self, name: str, file_name: str, size: int, stamp: Fraction | None, tags: Tags = NO_TAGS
    ) -> None:
        """Remembers the file that stored audio came in: name, size in bytes, time stamp in seconds, tags.

        Raises ProtocolError.
        """
        digest = name.removeprefix(STORED)
        with transaction(self._connection):
            self._store.index.remember_stamp(digest, stamp)
            self._remember_tags(digest, tags)
            self._store.index.remember_upload(digest, unicode_only(file_name), size, self._clock() / 1e9)

    def uploaded_as(self, name: str) -> str | None:
        """The name of the file that stored audio came in last; None when it came some other way."""
        return self._store.index.upload_name(name.removeprefix(STORED))

    async def recent_uploads(self, limit: int) -> list[SongFile]:
        """What was uploaded and is still there, the last one first."""
        uploads = self._store.index.uploads(limit)
        there = await asyncio.to_thread(lambda: [self._holds(digest) for digest, *_ in uploads])
        return [
            SongFile(
                source=STORED + digest, title=upload_title(name), bytes=size, modified=moment, folder="",
                ending=Path(name).suffix, tag_title=tags[0], tag_artist=tags[1],
            )
            for (digest, name, size, moment), held in zip(uploads, there, strict=True)
            if held
            for tags in (self._store.index.recall_tags(digest),)
        ]  # fmt: skip

    async def keep(self, path: Path, open_file: OpenFile = open_regular) -> str:
        """The digest of a file's audio, of which the store has a copy then. open_file: how it is opened.

        Raises ProtocolError.
        """
        return (await self._kept(path, open_file))[0]

    async def digest_of(self, name: str) -> str:
        """The digest of a song as it came, whatever rate it is rendered at; reads a file never seen.

        A take's is that of the song it was made from. Raises ProtocolError.
        """
        known = self.known_digest(name)
        return known if known is not None else await self.keep(still_at(name, self._roots), self._open)

    def known_digest(self, name: str) -> str | None:
        """As `digest_of`, without reading anything; None for a file never seen. Raises ProtocolError."""
        if name.startswith(STORED):
            return name.removeprefix(STORED)
        if name.startswith(TAKE):
            take = self._take(name)
            return take.parent or take.audio
        return self._remembered(state_of(still_at(name, self._roots)))

    def _remembered(self, state: FileState) -> str | None:
        """The digest of a file's audio if it was read in this state."""
        return self._store.index.recall_file(str(state.path), state.size, state.modified_ns)

    def take_of(self, name: str) -> Take | None:
        """The take that a source names; None for another one. Raises ProtocolError."""
        return self._take(name) if name.startswith(TAKE) else None

    async def _kept(self, path: Path, open_file: OpenFile) -> tuple[str, FileState, Song | None]:
        """Digest and state of a file, and its song if it had to be read."""
        state = state_of(path)
        digest = self._remembered(state)
        # Renewed, so that no sweep takes the audio before a take refers to it.
        if digest and self._store.blobs.renew(digest):
            return digest, state, None
        settled = self._clock() - state.modified_ns > SETTLED_NS
        song = await asyncio.to_thread(read_song, path, self._store.blobs, self._most_seconds, open_file)
        if self._tags_of(song.digest) != song.tags:
            with transaction(self._connection):
                self._remember_tags(song.digest, song.tags)
        if settled and song.state == state:
            with transaction(self._connection):
                self._store.index.remember_file(str(path), state.size, state.modified_ns, song.digest)
        return song.digest, state, song

    async def _stored(self, digest: str, name: str, state: FileState | None = None) -> Song:
        if self._last is not None and self._last.digest == digest:
            return replace(self._last, name=name, state=state, came_as="")
        song = await asyncio.to_thread(stored_song, digest, name, self._store.blobs, state)
        return replace(song, tags=self._tags_of(digest))

    def _tags_of(self, digest: str) -> Tags:
        """What the file said that this audio came in last."""
        return Tags(*self._store.index.recall_tags(digest), self._store.index.recall_xmp(digest))

    def _remember_tags(self, digest: str, tags: Tags) -> None:
        self._store.index.remember_tags(digest, tags.title, tags.artist)
        self._store.index.remember_xmp(digest, tags.xmp)

    def _take(self, name: str, field: str = "source") -> Take:
        try:
            return self._store.index.get(name.removeprefix(TAKE))
        except ClipStoreError as error:
            raise ProtocolError(ErrorCode.UNKNOWN_TAKE, error.sentence, error.remedy, field) from error

    def _song_with(self, take: Take) -> Song:
        """A take as a song: its song with the take in it; a stem or an instrument by itself."""
        try:
            if TASKS[take.task].is_track:
                audio = self._store.blobs.get(take.audio)
                return Song(stem_title(take), audio, audio.digest)
            audio = self._store.song_with(take)
            return Song(take.title, audio, self._store.blobs.put(audio))
        except ClipStoreError as error:
            raise as_protocol_error(error, "source") from error

    def _converted(self, song: Song, rate: int) -> Song:
        """The song at another rate, stored as a song: takes belong to the project's rate, not the file's."""
        audio = song.audio
        frames = converted_frames(audio.frames, audio.rate, rate)
        samples = resample(audio.samples, audio.rate, rate, frames)
        converted = quantise(samples, rate, audio.encoding).audio
        try:
            digest = self._store.blobs.put(converted)
        except ClipStoreError as error:
            raise as_protocol_error(error, "source") from error
        return Song(song.name, converted, digest, song.state, tags=song.tags, came_as=song.digest)


def stem_title(take: Take) -> str:
    """What a stem or an instrument is called as a song."""
    return as_text(f"{take.title} ({take.stem})", MAX_TITLE)
