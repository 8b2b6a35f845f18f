"""The engine's process: reads commands from a pipe, renders, writes audio to files, reports progress.

A crash here ends one job. The main thread owns the engine and renders, one order at a time, because neither torch nor
an engine need be safe across threads; it alone writes to the pipe. A second thread reads the pipe, so that a stop takes
effect during a render: it only queues orders and raises the number up to which they are to stop.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, Protocol

import numpy as np

from bridge_server.engines.messages import (
    ChildAttachment,
    ChildBlueprint,
    ChildBroke,
    ChildDescription,
    ChildDone,
    ChildKept,
    ChildPiece,
    ChildProgress,
    ChildReady,
    ChildRefused,
    ChildReport,
    ChildStart,
    FilesHere,
    FromChild,
    OptionFile,
    QuitCommand,
    RenderCommand,
    StopCommand,
)
from bridge_server.engines.outcome import stem_path
from bridge_server.engines.registry import EngineSetup, make_engine
from bridge_server.errors import not_permitted
from bridge_server.log_words import traceback_text
from bridge_server.platforms import ignore_interrupt, send_or_end, yield_to_others
from clip_store.atomic_file import store_error
from clip_store.audio.audio_file import read_audio
from clip_store.blobs import BlobStore
from clip_store.errors import ClipStoreError
from daw_protocol.tasks import TASKS
from model.blueprint import Blueprint
from model.dsp.offset import outweighs_sound, sound_of
from model.engine import Attachment, Engine, Piece, Progress, Rendered, Report, Song
from model.errors import (
    CannotRender,
    DeviceUnusable,
    EngineError,
    NotLoaded,
    RanOutOfMemory,
    RenderLost,
    RenderRejected,
    RenderStopped,
)
from model.kept import Kept

# Songs kept as float32: the one being worked on, the one before it and a reference. More would cost 90 MB for
# every 4 minutes.
SONGS_KEPT = 3
PROGRESS_INTERVAL = 0.05  # seconds; the server thins out further, to what a client may get
NO_MEMORY = "The machine ran out of memory {}."
MORE_MEMORY = "Close other programs, or render a shorter region."
LONGEST_SONG_SECONDS = 1e6  # the server has checked the length already


def child_main(connection: Connection, start: ChildStart) -> None:
    """Entry point of the process."""
    ignore_interrupt()
    folders = start.folders
    EngineChild(connection, start, None if folders is None else BlobStore(folders.blobs)).run()


class AudioByDigest(Protocol):
    """Where an engine's process finds the audio that orders name: a folder here; elsewhere it may be fetched first."""

    def path(self, digest: str) -> Path:
        """A file with this audio. Raises ClipStoreError when it is not to be had."""
        ...


class ChildPipe(Protocol):
    """The server's side, as its child knows it."""

    def recv(self) -> Any:
        """The next message. Raises EOFError or OSError when the server has gone."""
        ...

    def send(self, message: Any, /) -> None:
        """Passes a message on."""
        ...


class EngineChild:
    """Holds the engine, the last songs, and the number of the order that must stop."""

    def __init__(self, connection: ChildPipe, start: ChildStart, audio: AudioByDigest | None) -> None:
        self._connection = connection
        self._start = start
        self._audio = audio
        self._orders: SimpleQueue[RenderCommand | QuitCommand] = SimpleQueue()
        self._songs: OrderedDict[str, Song] = OrderedDict()
        self._files: Mapping[OptionFile, Path] = {}  # of the last order in the queue
        self._stopped = 0  # every order up to this number is to stop

    def run(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            engine = make_engine(EngineSetup(self._start.target, json.loads(self._start.options)))
            self._send(ChildDescription(engine.describe()))
            if self._start.folders is None:
                return
            yield_to_others()  # only now: a client may be waiting for the description
            engine.load(lambda progress: self._send(ChildProgress(0, progress)))
        except EngineError as error:
            self._send(ChildRefused(0, kind_of(error), error.sentence, error.remedy))
            return
        except MemoryError:
            self._send(
                ChildRefused(0, "memory", NO_MEMORY.format("while the engine was loaded"), MORE_MEMORY)
            )
            return
        except Exception as error:  # whatever it is, the server must learn of it, not of a dead pipe
            self._send(not_allowed(0, error) or broke(0, error))
            return
        self._send(ChildReady(engine.describe()))
        while isinstance(order := self._orders.get(), RenderCommand):
            self._carry_out(engine, order)

    def _listen(self) -> None:
        """Runs in parallel with the render. A closed pipe means that the server is gone: end at once."""
        while True:
            try:
                message = self._connection.recv()
            except (EOFError, OSError):
                os._exit(0)
            if isinstance(message, StopCommand):
                self._stopped = message.number
            elif isinstance(message, FilesHere):
                self._files = message.paths
            else:
                self._orders.put(message)

    def _carry_out(self, engine: Engine, order: RenderCommand) -> None:
        try:
            self._render(engine, order)
        except EngineError as error:
            self._send(ChildRefused(order.number, kind_of(error), error.sentence, error.remedy))
        except ClipStoreError as error:
            self._send(ChildRefused(order.number, "store", error.sentence, error.remedy))
        except MemoryError:  # anybody's: the song's, an engine's that does not say so itself, a file's
            self._send(
                ChildRefused(order.number, "memory", NO_MEMORY.format("during the render"), MORE_MEMORY)
            )
        except Exception as error:  # a bug in an engine ends its job, not the process
            self._send(not_allowed(order.number, error) or broke(order.number, error))

    def _render(self, engine: Engine, order: RenderCommand) -> None:
        files = {option: str(self._files[file]) for option, file in order.files.items()}
        song = self._stacked(order) if order.stack else self._with_kept(self._song(order.song), order.kept)
        if song is not None and not order.stack and not TASKS[order.request.task.value].sums_to_source:
            song = self._without_offset(song)
        request = replace(
            order.request,
            song=song,
            reference=self._song(order.reference),
            options={**order.request.options, **files},
        )
        sender = OrderSender(self, order)
        with contextlib.closing(self.stems(order)) as stems:
            for found in engine.render(request, sender.progress, lambda: self._stopped >= order.number):
                sender.found(found, stems)
        sender.done()

    def stems(self, order: RenderCommand) -> StemSink:
        """Where the audio of an order goes."""
        assert self._start.folders is not None, "a process that only describes its engine gets no orders"
        return StemWriters(self._start.folders.results / order.results, order.request.channels)

    def _song(self, digest: str) -> Song | None:
        if not digest:
            return None
        if digest not in self._songs:
            assert self._audio is not None, "a process that only describes its engine gets no orders"
            audio = read_audio(self._audio.path(digest), LONGEST_SONG_SECONDS)
            samples = np.ascontiguousarray(audio.samples, dtype=np.float32)
            samples.flags.writeable = False
            self._songs[digest] = Song(samples, audio.rate, digest)
            while len(self._songs) > SONGS_KEPT:
                self._songs.popitem(last=False)
        self._songs.move_to_end(digest)
        return self._songs[digest]

    def _with_kept(self, song: Song | None, kept: str) -> Song | None:
        """The song with what the engine kept of it, as long as that is there: it is worth a little time, no error."""
        if song is None or not kept:
            return song
        assert self._audio is not None, "a process that only describes its engine gets no orders"
        with contextlib.suppress(ClipStoreError, OSError):
            data = self._audio.path(kept).read_bytes()
            if hashlib.sha256(data).hexdigest() == kept:
                return replace(song, kept=data)
        return song

    def _stacked(self, order: RenderCommand) -> Song:
        """The order's tracks as one song: the channels of all of them, silent before a track begins and after it."""
        name = hashlib.sha256(repr((order.stack, order.frames)).encode()).hexdigest()
        if name not in self._songs:
            tracks = [(self._song(track.digest), track.start) for track in order.stack]
            samples = np.zeros((order.frames, order.request.channels), np.float32)
            channel = 0
            for song, start in tracks:
                assert song is not None, "every track has audio"
                samples[start : start + song.frames, channel : channel + song.channels] = song.samples
                channel += song.channels
            samples.flags.writeable = False
            self._songs[name] = Song(samples, order.request.rate, name)
        self._songs.move_to_end(name)
        return self._songs[name]

    def _without_offset(self, song: Song) -> Song:
        """The song as engines listen to it: its takes get the offset back (`rendering/postprocess.py`)."""
        if not outweighs_sound(song.samples, song.rate):
            return song
        name = f"{song.digest}, without its offset"  # engines keep what they found out about a song by this
        if name not in self._songs:
            self._songs[name] = Song(sound_of(song.samples, song.rate), song.rate, name)
        return replace(self._songs[name], kept=song.kept)  # of audio the engine made, offset and all

    def _send(self, message: FromChild) -> None:
        send_or_end(self._connection, message)


class OrderSender:
    """Passes on what an engine gives for one order, with the take it belongs to."""

    def __init__(self, child: EngineChild, order: RenderCommand) -> None:
        self._child = child
        self._number = order.number
        self._takes = order.request.takes
        self._reported: set[int] = set()
        self._last_progress = 0.0

    def found(self, found: Rendered, stems: StemSink) -> None:
        """Raises RuntimeError for what belongs to no take of the order, or to one that is complete already."""
        take, number = self._take_of(found), self._number
        match found:
            case Piece():
                stems.write(take, found)
                self._child._send(ChildPiece(number, take, found.stem, found.start, len(found.samples)))
            case Attachment():
                self._child._send(ChildAttachment(number, take, found))
            case Blueprint():
                self._child._send(ChildBlueprint(number, take, found))
            case Kept():
                self._child._send(ChildKept(number, take, found))
            case Report():
                self._reported.add(take)
                self._child._send(ChildReport(number, take, found))

    def done(self) -> None:
        """Raises RuntimeError unless every take was reported."""
        if missing := [take + 1 for take in self._takes if take not in self._reported]:
            raise RuntimeError(f"the engine ended without a report on take {missing[0]}")
        self._child._send(ChildDone(self._number))

    def progress(self, progress: Progress) -> None:
        """Not more often than anybody could look."""
        now = time.monotonic()
        if now - self._last_progress >= PROGRESS_INTERVAL:
            self._last_progress = now
            self._child._send(ChildProgress(self._number, progress))

    def _take_of(self, found: Rendered) -> int:
        if found.take is None and len(self._takes) == 1:
            return self._takes[0]
        if found.take not in self._takes:
            raise RuntimeError(
                f"the engine gave a {type(found).__name__} of take {found.take}; the order has {self._takes}"
            )
        if found.take in self._reported:
            raise RuntimeError(f"the engine went on with take {found.take} after its report")
        return found.take


class StemSink:
    """Takes the pieces of an order's stems; those of a stem must come in order, without holes."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._next: dict[Path, int] = {}  # by the file a stem will be in, wherever that is

    def write(self, take: int, piece: Piece) -> None:
        """Raises RuntimeError for a piece that does not follow the one before it."""
        if piece.samples.ndim != 2 or piece.samples.shape[1] != self._channels:
            raise RuntimeError(
                f"piece of {piece.stem} has shape {piece.samples.shape}, not [frames, {self._channels}]"
            )
        stem = stem_path(Path(), take, piece.stem)
        expected = self._next.get(stem, piece.start)
        if piece.start != expected:
            raise RuntimeError(f"{piece.stem} continues at {piece.start}, expected {expected}")
        self._next[stem] = expected + len(piece.samples)
        self.put(take, replace(piece, samples=np.ascontiguousarray(piece.samples, dtype="<f4")))

    def put(self, take: int, piece: Piece) -> None:
        """Passes a piece on: float32, little-endian, its channels side by side."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing more comes."""


class StemWriters(StemSink):
    """One open file per take and stem."""

    def __init__(self, folder: Path, channels: int) -> None:
        super().__init__(channels)
        self._folder = folder
        self._files: dict[Path, BinaryIO] = {}

    def put(self, take: int, piece: Piece) -> None:
        """Raises StoreError where the disk takes nothing more."""
        path = stem_path(self._folder, take, piece.stem)
        try:
            if path not in self._files:
                self._files[path] = open(path, "wb")  # noqa: SIM115 - kept open
            self._files[path].write(piece.samples.tobytes())
            self._files[path].flush()  # the server may read it as soon as it is sent
        except OSError as error:
            raise store_error(path, error) from error

    def close(self) -> None:
        """Samples a full disk refused are tried again; `put` has reported it."""
        for file in self._files.values():
            with contextlib.suppress(OSError):
                file.close()


def kind_of(error: EngineError) -> str:
    kinds: Iterator[tuple[type[EngineError], str]] = iter(
        (
            (RenderStopped, "stopped"),
            (NotLoaded, "not loaded"),
            (RanOutOfMemory, "memory"),
            (DeviceUnusable, "device"),
            (RenderRejected, "rejected"),
            (RenderLost, "lost"),
            (CannotRender, "cannot"),
        )
    )
    return next((name for kind, name in kinds if isinstance(error, kind)), "cannot")


def not_allowed(number: int, error: Exception) -> ChildRefused | None:
    """What the system refused this user, such as a look into a folder with models; None for anything else."""
    if not isinstance(error, PermissionError) or error.filename is None:
        return None
    refused = not_permitted(error)
    return ChildRefused(number, "not loaded", refused.sentence, refused.remedy)


def broke(number: int, error: Exception) -> ChildBroke:
    return ChildBroke(number, f"{type(error).__name__}: {error}"[:500], traceback_text(error))
