"""A child in an actor of a Ray cluster, as the render host knows it: what it says is delivered as if it came through a
pipe, and its audio is written to files of this machine on the way.

A thread for each actor waits for what it says; the event loop waits for nothing of Ray's.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import ray
from ray.exceptions import (
    ObjectStoreFullError,
    OutOfDiskError,
    OutOfMemoryError,
    RayActorError,
    RayError,
    RayTaskError,
)

from bridge_server.engines.child import MORE_MEMORY, NO_MEMORY, StemWriters
from bridge_server.engines.child_process import Deliver, Gone
from bridge_server.engines.messages import (
    ChildBroke,
    ChildDone,
    ChildProgress,
    ChildRefused,
    ChildStart,
    FilesHere,
    OptionFile,
    RenderCommand,
    ToChild,
)
from bridge_server.studio.engine_actor import ActorAudio, ActorSelf, EngineActor, FromActor
from bridge_server.studio.host_files import files_of
from bridge_server.studio.link_messages import SharedFile
from bridge_server.version import VERSION
from clip_store.blobs import BlobStore
from clip_store.errors import ClipStoreError
from model.engine import Progress

log = logging.getLogger(__name__)

LEAVE_SECONDS = 0.5  # an actor may take to remove what it kept
FILES_SHARED = 8  # that stay in Ray's object store for the next order
LISTS_AHEAD = 16  # of messages, that wait in Ray's memory; then the actor waits
ENDED = "its actor in the Ray cluster has gone"
SAME_VERSIONS = "Install the same versions of Python, Ray and Takebridge on all machines of the cluster."
SEE_LOG = (
    "The log of Ray on that machine has the details; `takebridge doctor` there says what the engine lacks."
)
IMPORTS = re.compile(r"^(ModuleNotFound|Import|Attribute)Error\b|No module named|serializ|pickle")
CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
TRY_AGAIN = "Try again: the next job gets a new process."
NO_ROOM = "The song does not fit into Ray's memory for files on the render host."
MORE_ROOM = (
    "Free memory and disk space there, or give `ray start` more with `--object-store-memory`, then try again."
)


class SharedObjects:
    """The files of orders in Ray's object store, the last ones used. Blocks: for threads."""

    def __init__(self) -> None:
        self._references: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def reference(self, digest: str, path: Path) -> Any:
        """The bytes of a file, as any machine of the cluster can get them. Raises OSError, RayError."""
        with self._lock:
            if digest not in self._references:
                self._references[digest] = ray.put(np.fromfile(path, np.uint8))
            self._references.move_to_end(digest)
            while len(self._references) > FILES_SHARED:
                self._references.popitem(last=False)
            return self._references[digest]


@dataclass(frozen=True)
class ActorPlace:
    """Where actors are made. options: the part of the cluster that each gets. node: what Ray calls this machine."""

    options: Mapping[str, Any]
    objects: SharedObjects
    node: str

    async def start(self, start: ChildStart, deliver: Deliver) -> ActorChild:
        """See StartChild."""
        deliver(ChildProgress(0, Progress("waiting for room in the Ray cluster", 0.0)))
        child = ActorChild(self, start, deliver)
        starting = asyncio.create_task(asyncio.to_thread(child.begin))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            await asyncio.wait({starting})
            await child.kill()
            raise
        except RayError as error:
            raise OSError(reason_of(error)) from error
        return child


class ActorChild:
    """See Child. Ray does not restart it: what it had loaded has gone with it, and the next order starts another."""

    def __init__(self, place: ActorPlace, start: ChildStart, deliver: Deliver) -> None:
        self._place = place
        self._start = start
        self._deliver = deliver
        self._actor: Any = None
        self._self: ActorSelf | None = None
        self._files: Mapping[OptionFile, Path] = {}
        self._writing: tuple[int, StemWriters] | None = None  # the order whose audio is written
        self._left = False
        self.alive = True

    def begin(self) -> None:
        """Asks for the actor, which comes when there is room. Blocks. Raises RayError."""
        kind: Any = ray.remote(EngineActor)
        self._actor = kind.options(max_concurrency=4, **self._place.options).remote(self._start)
        streaming = {"num_returns": "streaming", "_generator_backpressure_num_objects": LISTS_AHEAD}
        said = self._actor.messages.options(**streaming).remote()
        threading.Thread(target=self._read, args=(said,), daemon=True).start()

    @property
    def pid(self) -> int | None:
        """See Child."""
        return self._self.pid if self._self is not None and self._self.node == self._place.node else None

    async def send(self, message: ToChild) -> None:
        """See Child."""
        if isinstance(message, FilesHere):
            self._files = message.paths  # they go with the order
        elif isinstance(message, RenderCommand):
            assert self._start.folders is not None, "a child that only describes its engine gets no orders"
            results = self._start.folders.results / message.results
            self._close_files()
            self._writing = (message.number, StemWriters(results, message.request.channels))
            try:
                files = await asyncio.to_thread(self._shared, message)
            except ClipStoreError as error:
                self._deliver(ChildRefused(message.number, "store", error.sentence, error.remedy))
                return
            except (ObjectStoreFullError, OutOfDiskError) as error:
                log.warning("Ray has no room for a file: %s", reason_of(error))
                self._deliver(ChildRefused(message.number, "store", NO_ROOM, MORE_ROOM))
                return
            ordered = self._call(self._actor.order, message, files)
            ordered.future().add_done_callback(functools.partial(self._ordered, message.number))
        else:
            self._call(self._actor.tell, message)

    def _call(self, method: Any, *given: Any) -> Any:
        """Waits for no answer: an actor that gives none must not hold up who would end it. Raises OSError."""
        try:
            return method.remote(*given)
        except RayError as error:
            raise OSError(reason_of(error)) from error

    def _ordered(self, number: int, answer: Future[None]) -> None:
        """In a thread of Ray's: an order that the actor could not take in. One that has gone says so by `messages`."""
        if isinstance(error := answer.exception(), RayTaskError):
            sentence = f"The order did not get to a machine of the Ray cluster: {reason_of(error)}."
            self._deliver(ChildRefused(number, "lost", sentence, TRY_AGAIN))

    def _close_files(self) -> None:
        """Of the order whose audio is written, if any."""
        if (writing := self._writing) is not None:
            writing[1].close()

    def _shared(self, command: RenderCommand) -> dict[SharedFile, Any]:
        """What an order names, as the actor can get it. Raises ClipStoreError, OSError."""
        assert self._start.folders is not None, "asked before"
        blobs, kinds = BlobStore(self._start.folders.blobs), files_of(command)
        named = {
            each.digest: self._files[file].with_name(PurePosixPath(each.name).name)
            for file in command.files.values()
            for each in (file, *file.companions)
        }
        named |= {file.digest: self._files[file] for file in command.files.values()}
        if command.kept and not blobs.has(command.kept):
            del kinds[command.kept]  # it is worth a little time, no error
        paths = {digest: named[digest] if digest in named else blobs.path(digest) for digest in kinds}
        return {
            SharedFile(digest, kinds[digest], path.stat().st_size): self._place.objects.reference(
                digest, path
            )
            for digest, path in paths.items()
        }

    def _read(self, said: Any) -> None:
        """Runs in a thread: delivers what the actor says, until it has ended."""
        try:
            for reference in said:
                for message in ray.get(reference):
                    self._take(message)
        except RayError as error:
            self._lost(error)
        except ClipStoreError as error:  # the host's disk is full: nothing of the order can be kept
            assert self._writing is not None, "it was written"
            self._deliver(ChildRefused(self._writing[0], "store", error.sentence, error.remedy))
        except Exception:
            log.exception("what an actor said could not be taken in, by a bug")
        finally:
            self.alive = False
            self._close_files()
            self._deliver(Gone())

    def _take(self, message: FromActor) -> None:
        match message:
            case ActorSelf():
                self._self = message
                if message.version != VERSION:
                    sentence = (
                        f"The machine {machine_of(message.node)} of the Ray cluster has version {message.version} of "
                        f"Takebridge, the render host has {VERSION}."
                    )
                    log.warning("Ray's node %s has version %s of Takebridge", message.node, message.version)
                    self._deliver(ChildRefused(0, "not loaded", sentence, SAME_VERSIONS))
            case ActorAudio():
                if self._writing is not None and self._writing[0] == message.number:
                    self._writing[1].write(message.take, message.piece)
            case ChildDone() | ChildRefused() | ChildBroke():
                if self._writing is not None and self._writing[0] == message.number:
                    self._close_files()
                self._deliver(message)
            case _:
                self._deliver(message)

    def _lost(self, error: RayError) -> None:
        """Says why an actor has ended, where Ray knows more than that it has."""
        log.info("an actor has gone: %s", reason_of(error))
        if isinstance(error, OutOfMemoryError):
            loading = self._writing is None
            number = 0 if self._writing is None else self._writing[0]
            sentence = NO_MEMORY.format("while the engine was loaded" if loading else "during the render")
            self._deliver(ChildRefused(number, "memory", sentence, MORE_MEMORY))
        elif self._self is None and not self._left and not _was_lost(error):
            reason = reason_of(error)
            sentence = f"The engine could not be started in the Ray cluster: {reason}."
            remedy = SAME_VERSIONS if IMPORTS.search(reason) else SEE_LOG
            self._deliver(ChildRefused(0, "not loaded", sentence, remedy))

    async def kill(self) -> None:
        """See Child."""
        self._left = True
        if self._actor is not None:
            with contextlib.suppress(RayError):
                await asyncio.to_thread(ray.kill, self._actor)

    async def how_it_ended(self) -> str:
        """See Child."""
        return ENDED

    async def close(self) -> None:
        """See Child."""
        if self.alive and self._self is not None:
            with contextlib.suppress(OSError, RayError, TimeoutError):
                left = self._call(self._actor.leave)
                await asyncio.wait_for(asyncio.wrap_future(left.future()), LEAVE_SECONDS)
        await self.kill()


def _was_lost(error: RayError) -> bool:
    """Whether an actor ended by no fault of its own code: with its machine, or killed before it began."""
    return isinstance(error, RayActorError) and not error.actor_init_failed


def machine_of(node: str) -> str:
    """The name of a machine of the cluster, by what Ray calls it. Blocks: for threads."""
    with contextlib.suppress(RayError):
        for each in ray.nodes():
            if each.get("NodeID") == node:
                return str(each.get("NodeManagerHostname") or node)
    return node


def reason_of(error: BaseException) -> str:
    """The last line of what Ray says: above it are the machine's address, its colours and the calls that led there."""
    lines = [line.strip() for line in CONTROL.sub("", str(error)).splitlines()]
    return next((line for line in reversed(lines) if line), type(error).__name__).rstrip(".")
