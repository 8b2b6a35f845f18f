"""The engine's process: reads commands from a pipe, renders, writes audio to files, reports progress.

A crash here ends one job. The main thread owns the engine and renders, one order at a time, because neither torch nor
an engine need be safe across threads; it alone writes to the pipe. A second thread reads the pipe, so that a stop takes
effect during a render: it only queues orders and raises the number up to which they are to stop.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

import numpy as np

from bridge_server.engines.messages import (
    ChildAttachment,
    ChildBroke,
    ChildDescription,
    ChildPiece,
    ChildProgress,
    ChildReady,
    ChildRefused,
    ChildReport,
    FromChild,
    QuitCommand,
    RenderCommand,
    StopCommand,
)
from bridge_server.engines.registry import make_engine
from bridge_server.platforms import ignore_interrupt, yield_to_others
from clip_store.atomic_file import store_error
from clip_store.audio.audio_file import read_audio
from clip_store.errors import ClipStoreError
from model.engine import Attachment, Engine, Piece, Progress, Report, Song
from model.errors import CannotRender, EngineError, NotLoaded, RanOutOfMemory, RenderStopped

# Songs kept as float32: the one being worked on, the one before it and a reference. More would cost 90 MB for
# every 4 minutes.
SONGS_KEPT = 3
PROGRESS_INTERVAL = 0.05  # seconds; the server thins out further, to what a client may get
NO_MEMORY = "The machine ran out of memory {}."
MORE_MEMORY = "Close other programs, or render a shorter region."
LONGEST_SONG_SECONDS = 1e6  # the server has checked the length already


def child_main(connection: Connection, target: str, describe_only: bool = False) -> None:
    """Entry point of the process. describe_only: it ends after sending the engine's description."""
    ignore_interrupt()
    EngineChild(connection, target).run(describe_only)


class EngineChild:
    """Holds the engine, the last songs, and the number of the order that must stop."""

    def __init__(self, connection: Connection, target: str) -> None:
        self._connection = connection
        self._target = target
        self._orders: SimpleQueue[RenderCommand | QuitCommand] = SimpleQueue()
        self._songs: OrderedDict[str, Song] = OrderedDict()
        self._stopped = 0  # every order up to this number is to stop

    def run(self, describe_only: bool = False) -> None:
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            engine = make_engine(self._target)
            self._send(ChildDescription(engine.describe()))
            if describe_only:
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
            self._send(broke(0, error))
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
            self._send(broke(order.number, error))

    def _render(self, engine: Engine, order: RenderCommand) -> None:
        song = self._song(order.song, order.song_digest)
        reference = self._song(order.reference, order.reference_digest)
        request = replace(order.request, song=song, reference=reference)
        teller = ProgressTeller(self, order.number)
        stems = StemWriters(order.folder, request.channels)
        report: Report | None = None
        with contextlib.closing(stems):
            for found in engine.render(request, teller, lambda: self._stopped >= order.number):
                if isinstance(found, Piece):
                    stems.write(found)
                    self._send(ChildPiece(order.number, found.stem, found.start, len(found.samples)))
                elif isinstance(found, Attachment):
                    self._send(ChildAttachment(order.number, found))
                else:
                    report = found
        if report is None:
            raise RuntimeError("the engine ended without a report")
        self._send(ChildReport(order.number, report))

    def _song(self, path: Path | None, digest: str) -> Song | None:
        if path is None:
            return None
        if digest not in self._songs:
            audio = read_audio(path, LONGEST_SONG_SECONDS)
            samples = np.ascontiguousarray(audio.samples, dtype=np.float32)
            samples.flags.writeable = False
            self._songs[digest] = Song(samples, audio.rate, digest)
            while len(self._songs) > SONGS_KEPT:
                self._songs.popitem(last=False)
        self._songs.move_to_end(digest)
        return self._songs[digest]

    def _send(self, message: FromChild) -> None:
        self._connection.send(message)


class ProgressTeller:
    """Passes an engine's progress on, not more often than anybody could look."""

    def __init__(self, child: EngineChild, number: int) -> None:
        self._child = child
        self._number = number
        self._last = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last >= PROGRESS_INTERVAL:
            self._last = now
            self._child._send(ChildProgress(self._number, progress))


class StemWriters:
    """One open file per stem; pieces must come in order, without holes."""

    def __init__(self, folder: Path, channels: int) -> None:
        self._folder = folder
        self._channels = channels
        self._files: dict[str, BinaryIO] = {}
        self._next: dict[str, int] = {}

    def write(self, piece: Piece) -> None:
        if piece.samples.ndim != 2 or piece.samples.shape[1] != self._channels:
            raise RuntimeError(
                f"piece of {piece.stem} has shape {piece.samples.shape}, not [frames, {self._channels}]"
            )
        if piece.stem not in self._files:
            self._files[piece.stem] = open(stem_path(self._folder, piece.stem), "wb")  # noqa: SIM115 - kept open
            self._next[piece.stem] = piece.start
        if piece.start != self._next[piece.stem]:
            raise RuntimeError(f"{piece.stem} continues at {piece.start}, expected {self._next[piece.stem]}")
        self._next[piece.stem] += len(piece.samples)
        try:
            self._files[piece.stem].write(np.ascontiguousarray(piece.samples, dtype="<f4").tobytes())
            self._files[piece.stem].flush()  # the server may read it as soon as it is sent
        except OSError as error:
            raise store_error(stem_path(self._folder, piece.stem), error) from error

    def close(self) -> None:
        for file in self._files.values():
            with contextlib.suppress(
                OSError
            ):  # samples a full disk refused are tried again; `write` has reported it
                file.close()


def stem_path(folder: Path, stem: str) -> Path:
    """Where a stem's samples are; both sides of the pipe ask this."""
    return folder / f"{stem.replace(' ', '_')}.f32"


def kind_of(error: EngineError) -> str:
    kinds: Iterator[tuple[type[EngineError], str]] = iter(
        (
            (RenderStopped, "stopped"),
            (NotLoaded, "not loaded"),
            (RanOutOfMemory, "memory"),
            (CannotRender, "cannot"),
        )
    )
    return next((name for kind, name in kinds if isinstance(error, kind)), "cannot")


def broke(number: int, error: Exception) -> ChildBroke:
    return ChildBroke(number, f"{type(error).__name__}: {error}"[:500], traceback.format_exc())
