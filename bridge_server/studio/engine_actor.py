"""What runs in an actor of a Ray cluster: an engine's child (`engines/child.py`), on whichever machine.

The actor stands where a child's pipe is elsewhere. Its machine has neither the host's audio nor its folder of results:
files come with an order, out of Ray's object store, and are kept by digest; a take's audio goes back as it is rendered.
The child has threads of its own. Ray runs one for each call, and these only pass on.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from queue import Empty, Queue, SimpleQueue
from typing import Any

import ray

from bridge_server.engines.child import EngineChild, StemSink
from bridge_server.engines.messages import (
    ChildRefused,
    ChildStart,
    EngineFolders,
    FilesHere,
    FromChild,
    RenderCommand,
    ToChild,
)
from bridge_server.engines.registry import on_another_machine
from bridge_server.platforms import kernels_file
from bridge_server.studio.host_files import LARGEST_FILE, HostFiles
from bridge_server.studio.link_messages import SharedFile
from bridge_server.studio.scratch_folder import ScratchFolder
from bridge_server.version import VERSION
from daw_protocol.errors import ProtocolError
from model.engine import Piece

log = logging.getLogger(__name__)

MORE_DISK = "Free some disk space on that machine, then try again; Ray's log there says what was wrong."
CACHE_BYTES = 4 * 2**30  # of songs and files, for each actor
MESSAGES_AHEAD = 64  # after so many that the host has not taken, the engine waits


@dataclass(frozen=True)
class ActorSelf:
    """The first message of an actor. node: what Ray calls its machine. version: of Takebridge there."""

    node: str
    pid: int
    version: str


@dataclass(frozen=True)
class ActorAudio:
    """Frames of a take's stem; the message that says that it has grown by them follows."""

    number: int
    take: int
    piece: Piece


FromActor = ActorSelf | ActorAudio | FromChild


class EngineActor:
    """One engine. `messages` is called once and runs as long as the engine does; the others are called beside it."""

    def __init__(self, start: ChildStart) -> None:
        self._scratch = ScratchFolder("actor")
        self._files = HostFiles(self._scratch.path, CACHE_BYTES, LARGEST_FILE)
        self._asked: SimpleQueue[ToChild] = SimpleQueue()
        self._said: Queue[FromActor | None] = Queue(MESSAGES_AHEAD)
        renders = start.folders is not None
        folders = EngineFolders(self._files.blobs.root, self._scratch.path) if renders else None
        options = on_another_machine(json.loads(start.options), kernels_file())
        own = ChildStart(start.target, json.dumps(options), folders)
        self._child = ActorsChild(_Pipe(self._asked, self._said), own, self._files.blobs)

    def messages(self) -> Iterator[list[FromActor]]:
        """What the child says, several messages at a time where they come faster than they are taken."""
        node = ray.get_runtime_context().get_node_id()
        yield [ActorSelf(node, os.getpid(), VERSION)]
        threading.Thread(target=self._run, daemon=True).start()
        ended = False
        while not ended:
            found = [self._said.get()]
            with contextlib.suppress(Empty):
                while len(found) < MESSAGES_AHEAD:
                    found.append(self._said.get_nowait())
            ended = None in found
            yield [message for message in found if message is not None]

    def _run(self) -> None:
        """The child's own thread, since an engine need not be safe across threads."""
        try:
            self._child.run()
        finally:
            self._said.put(None)

    def tell(self, message: ToChild) -> None:
        """A message for the child."""
        self._asked.put(message)

    def order(self, command: RenderCommand, files: Mapping[SharedFile, Any]) -> None:
        """An order for the child, once the files that it names are here. files: references to their bytes."""
        try:
            missing = self._files.missing(files)
            for file, data in files.items():
                if file.digest in missing:
                    part = self._files.begin(file, "host")
                    self._files.grow(part, ray.get(data))
                    self._files.keep(part, file, {each.digest for each in files})
            here = {file: self._files.option_file(file) for file in command.files.values()}
        except ProtocolError as error:
            log.warning("a file of an order could not be kept: %s", error)
            sentence = (
                f"The machine {socket.gethostname()} of the Ray cluster could not keep a file of the order."
            )
            self._said.put(ChildRefused(command.number, "store", sentence, MORE_DISK))
            return
        if here:
            self._asked.put(FilesHere(here))
        self._asked.put(command)

    def leave(self) -> None:
        """Removes what it kept; it is killed next."""
        self._scratch.remove()


class ActorsChild(EngineChild):
    """An engine's child whose audio goes back to the host."""

    def stems(self, order: RenderCommand) -> StemSink:
        """See EngineChild."""
        return _StemsToHost(self._connection.send, order)


class _StemsToHost(StemSink):
    def __init__(self, send: Any, order: RenderCommand) -> None:
        super().__init__(order.request.channels)
        self._send = send
        self._number = order.number

    def put(self, take: int, piece: Piece) -> None:
        self._send(ActorAudio(self._number, take, piece))


class _Pipe:
    """Where the child's pipe to its server would be."""

    def __init__(self, asked: SimpleQueue[ToChild], said: Queue[FromActor | None]) -> None:
        self.recv = asked.get
        self.send = said.put
