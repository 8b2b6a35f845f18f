"""Starting and stopping: everything is made here, bound to its ports, run in one task group and closed in order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from bridge_server.audition.controller import AuditionController
from bridge_server.audition.sound_devices import SoundDevices
from bridge_server.endpoints.http.pages import Pages
from bridge_server.endpoints.mailbox.endpoint import SCHEME, MailboxEndpoint
from bridge_server.endpoints.mailbox.folder import MailboxFolder
from bridge_server.endpoints.midi.control import midi_control
from bridge_server.endpoints.osc import OscEndpoint
from bridge_server.endpoints.oscquery_values import LiveValues
from bridge_server.endpoints.watch_folder.folder import WatchFolder, check_watched
from bridge_server.endpoints.websocket import WebSocketEndpoint
from bridge_server.errors import as_protocol_error
from bridge_server.handlers.dispatcher import Dispatcher
from bridge_server.jobs.database import open_database
from bridge_server.jobs.job import Job, JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.network.lan import own_host
from bridge_server.network.mdns import announced
from bridge_server.rendering.worker import RenderWorker
from bridge_server.sessions.events import Listeners
from bridge_server.sessions.shared_context import SharedContext
from bridge_server.settings import Settings, is_loopback
from bridge_server.songs.song_reader import SongReader
from clip_store.errors import ClipStoreError
from clip_store.store import ClipStore
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import Failed

log = logging.getLogger(__name__)

DATABASE = "store.sqlite3"
LOCK = "server.lock"
ADDRESS = "server.json"


@dataclass(frozen=True)
class RunningServer:
    """A server that answers.

    settings:     with the ports that were really bound.
    announcement: whether it can be found on the network; "" where only this machine can reach it.
    midi:         the name of the MIDI input it listens to; "" if none.
    """

    settings: Settings
    dispatcher: Dispatcher
    worker: RenderWorker
    store: ClipStore
    controller: AuditionController
    announcement: str = ""
    midi: str = ""


@contextlib.asynccontextmanager
async def running_server(settings: Settings) -> AsyncIterator[RunningServer]:
    """A server for as long as the block lasts. Raises ProtocolError when it cannot be started."""
    if settings.drop is not None:
        check_watched(settings.drop)
    with (
        _lock(settings.store),
        contextlib.closing(open_database(settings.store / DATABASE)) as connection,
        bound_ports(settings) as ports,
    ):
        settings = ports.settings
        store = _open_store(settings.store, connection)
        listeners = Listeners()
        queue = JobQueue(connection, settings.limits.queued_jobs)
        folder = MailboxFolder(mailbox_root(settings.store), settings.limits.frame_bytes)
        roots = (*settings.roots, folder.audio)
        reader = SongReader(store, connection, roots, settings.limits.song_seconds)
        worker = RenderWorker(settings, connection, store, queue, listeners, reader)
        shared_context = SharedContext(listeners.watchers)
        controller = AuditionController(store, worker.live, listeners.watchers, SoundDevices(settings.sound))
        dispatcher = Dispatcher(
            settings, connection, store, queue, listeners, reader, worker, shared_context, controller
        )
        osc = OscEndpoint(settings, dispatcher, listeners)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: osc, sock=ports.udp)
        live = LiveValues(dispatcher, shared_context, listeners.watchers)
        pages = Pages(settings, store, live)
        websocket = WebSocketEndpoint(settings, dispatcher, listeners, live, pages, store.blobs)
        await websocket.start(ports.tcp)
        folder.make()  # before anybody is told that the server is there
        mailbox = MailboxEndpoint(folder, dispatcher, pages)
        _resume(queue, listeners, osc, mailbox, settings)
        tasks = [asyncio.create_task(part.run()) for part in (osc, mailbox, worker)]
        if settings.drop is not None:
            drops = WatchFolder(settings.drop, dispatcher, store, queue, reader)
            dispatcher.server.drops = drops.status
            tasks.append(asyncio.create_task(drops.run()))
        address = settings.store / ADDRESS
        address.write_text(json.dumps(_address(settings)), encoding="utf-8")
        try:
            with _pointed_to(settings.pointer, folder.root):
                async with (
                    announced(settings) as announcement,
                    midi_control(settings.midi, dispatcher, shared_context, listeners.watchers) as midi,
                ):
                    yield RunningServer(settings, dispatcher, worker, store, controller, announcement, midi)
        finally:
            # First nobody can ask any more, then the work stops, then the files close.
            await websocket.close()
            osc.close()
            await controller.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            address.unlink(missing_ok=True)


def mailbox_root(store: Path) -> Path:
    """The folder of the store's mailbox."""
    return store / "mailbox"


def find_server(store: Path) -> dict[str, object] | None:
    """Where this machine reaches the server of this store, if one runs: host, websocket_port, osc_port, token; and
    whether it is open to other machines.
    """
    try:
        with FileLock(store / LOCK, timeout=0):
            return None  # nobody holds the lock: an address left here is of a server that was killed
    except Timeout:
        pass
    except OSError:
        return None
    try:
        found = json.loads((store / ADDRESS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return dict(found)


@contextlib.contextmanager
def _pointed_to(pointer: Path | None, mailbox: Path) -> Iterator[None]:
    """Leads scripts to the mailbox while the server runs. The last server started is the one they find."""
    told = f"{mailbox}\n"
    if pointer is not None:
        try:
            pointer.parent.mkdir(parents=True, exist_ok=True)
            pointer.write_text(told, encoding="utf-8")
        except OSError as error:
            log.warning("Scripts cannot be led to the mailbox by %s: %s.", pointer, error.strerror)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            if pointer is not None and pointer.read_text(encoding="utf-8") == told:
                pointer.unlink()


@contextlib.contextmanager
def _lock(store: Path) -> Iterator[None]:
    """Holds the store: two servers on one queue would render everything twice."""
    try:
        store.mkdir(parents=True, exist_ok=True)
        lock = FileLock(store / LOCK, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"Another server is using the store {store}.",
            "Use that one, stop it, or start this one with another --store.",
        ) from error
    except OSError as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"The store {store} cannot be used: {error.strerror}.",
            "Choose a folder that can be written to with --store.",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _open_store(folder: Path, connection: sqlite3.Connection) -> ClipStore:
    try:
        return ClipStore(folder, connection)
    except ClipStoreError as error:
        raise as_protocol_error(error) from error


@dataclass(frozen=True)
class Ports:
    """Both sockets, bound; settings: with the ports they got."""

    udp: socket.socket
    tcp: socket.socket
    settings: Settings


@contextlib.contextmanager
def bound_ports(settings: Settings) -> Iterator[Ports]:
    """Binds both ports before anything is started. Raises ProtocolError when one is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as udp, socket.socket(family, socket.SOCK_STREAM) as tcp:
        if os.name == "posix":
            # A server that has just stopped leaves its port in TIME_WAIT; on Windows the option means something else.
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for sock, port, option in (
            (udp, settings.osc_port, "--osc-port"),
            (tcp, settings.websocket_port, "--port"),
        ):
            try:
                sock.bind((settings.host, port))
            except (OSError, OverflowError) as error:
                raise _taken(settings.host, port, option, error) from error
            sock.setblocking(False)
        bound = replace(settings, osc_port=udp.getsockname()[1], websocket_port=tcp.getsockname()[1])
        yield Ports(udp, tcp, bound)


def _taken(host: str, port: int, option: str, error: Exception) -> ProtocolError:
    reason = getattr(error, "strerror", None) or error
    return ProtocolError(
        ErrorCode.NOT_ALLOWED,
        f"Port {port} of {host} cannot be used: {reason}.",
        f"Another program may have it; choose another one with {option}. `takebridge doctor` shows more.",
    )


def _resume(
    queue: JobQueue, listeners: Listeners, osc: OscEndpoint, mailbox: MailboxEndpoint, settings: Settings
) -> None:
    """Picks up what a server before this one had accepted; who can still be reached hears of it."""
    requeued, given_up = queue.resume(time.time(), settings.limits.attempts)
    waiting = queue.newest(JobState.QUEUED, limit=1_000_000)
    for job in (*waiting, *given_up):
        if job.reply_to and (not job.state.terminal or job in given_up):
            endpoint = mailbox if job.reply_to.startswith(SCHEME) else osc
            listeners.add(job.id, endpoint.client(job.reply_to))
    for job in given_up:
        listeners.tell(job.id, _given_up(job))
    if requeued:
        log.info("%d jobs of an earlier run are resumed", len(requeued))


def _given_up(job: Job) -> Failed:
    return Failed(id=job.request_id, job=job.id, **job.failure)


def _address(settings: Settings) -> dict[str, object]:
    return {
        "pid": os.getpid(),
        "host": own_host(settings),
        "open": not is_loopback(settings.host),
        "websocket_port": settings.websocket_port,
        "osc_port": settings.osc_port,
        "token": settings.token,
        "mailbox": str(mailbox_root(settings.store)),
    }
