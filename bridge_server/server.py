"""Starts and stops the server: builds every part, binds the ports, hands tasks to the supervisor, closes in order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from bridge_server.audition.controller import AuditionController
from bridge_server.audition.jack_transport import jack_transport
from bridge_server.audition.link_transport import link_transport
from bridge_server.audition.passages import Passages
from bridge_server.audition.sound_devices import SoundDevices
from bridge_server.endpoints.http.application import Services, application
from bridge_server.endpoints.http.metrics_page import MetricsPage
from bridge_server.endpoints.http.pages import Pages
from bridge_server.endpoints.http.passage_files import PassageFiles
from bridge_server.endpoints.http.post_rpc import PostRpc
from bridge_server.endpoints.http.put_upload import PutUpload
from bridge_server.endpoints.http.server import HttpServer
from bridge_server.endpoints.http.store_files import StoreFiles
from bridge_server.endpoints.http.training_files import TrainingFiles
from bridge_server.endpoints.link import link_control
from bridge_server.endpoints.mailbox.endpoint import SCHEME, MailboxEndpoint
from bridge_server.endpoints.mailbox.folder import MailboxFolder
from bridge_server.endpoints.midi.control import midi_control
from bridge_server.endpoints.midi.transport import midi_transport
from bridge_server.endpoints.osc import OscEndpoint
from bridge_server.endpoints.oscquery_values import LiveValues
from bridge_server.endpoints.turns import Turns
from bridge_server.endpoints.watch_folder.folder import WatchFolder, check_watched
from bridge_server.endpoints.websocket import WebSocketEndpoint
from bridge_server.engines.messages import EngineFolders
from bridge_server.engines.pool import EnginePool
from bridge_server.errors import StoreInUse, as_protocol_error
from bridge_server.handlers.aside_desk import AsideDesk
from bridge_server.handlers.audition import AuditionHandlers
from bridge_server.handlers.context import ContextHandlers
from bridge_server.handlers.dispatcher import Dispatcher
from bridge_server.handlers.exports import ExportHandlers
from bridge_server.handlers.health import Health
from bridge_server.handlers.heard_words import WordHandlers
from bridge_server.handlers.jobs import JobHandlers
from bridge_server.handlers.listening_desk import ListeningDesk
from bridge_server.handlers.metrics import Metrics, Traffic
from bridge_server.handlers.models import ModelHandlers
from bridge_server.handlers.prompts import PromptHandlers
from bridge_server.handlers.ranking import RankingHandlers
from bridge_server.handlers.running_requests import RunningRequests
from bridge_server.handlers.shared_context import SharedContextHandlers
from bridge_server.handlers.song_tempo import SongTempoHandlers
from bridge_server.handlers.status import StatusHandlers, sweep_all_parts
from bridge_server.handlers.submit import SubmitHandlers
from bridge_server.handlers.table import handler_table
from bridge_server.handlers.take_marks import TakeMarkHandlers
from bridge_server.handlers.takes import TakeHandlers
from bridge_server.handlers.trainings import ADAPTERS, TrainingHandlers
from bridge_server.jobs.database import DATABASE, Connection, open_database
from bridge_server.jobs.job import JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.loopback import is_loopback
from bridge_server.network.lan import own_host
from bridge_server.network.mdns import announced
from bridge_server.network.ports import bound_ports
from bridge_server.platforms import make_private_folder, write_private
from bridge_server.presets import Presets
from bridge_server.provenance.sealing import Sealing, sealing_of
from bridge_server.rendering.worker import RenderWorker, scratch_folder
from bridge_server.sessions.audience import Audience
from bridge_server.sessions.contexts import ClientContexts
from bridge_server.sessions.events import Events
from bridge_server.sessions.shared_context import SharedContext
from bridge_server.settings import Settings
from bridge_server.songs.plans import Plans
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.song_tempos import SongTempos
from bridge_server.studio.host_connection import HostConnection
from bridge_server.supervisor import Supervisor, close_each
from clip_store.errors import ClipStoreError
from clip_store.store import ClipStore, blobs_in
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.results import WatchFolderStatus

log = logging.getLogger(__name__)

LOCK = "server.lock"
# A command that looks whether a server runs takes the lock for far less than this: longer, and it is a server's.
LOOK_SECONDS = 0.1
MAX_JOBS = 1_000_000
ADDRESS = "server.json"
# What the audition can follow besides OSC. It must not open MIDI inputs itself: endpoints/midi knows how.
TRANSPORTS = {"midi": midi_transport, "jack": jack_transport, "link": link_transport}


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
    engines: EnginePool
    store: ClipStore
    controller: AuditionController
    supervisor: Supervisor
    metrics: Metrics
    trainings: TrainingHandlers
    websocket: WebSocketEndpoint
    announcement: str = ""
    midi: str = ""


@contextlib.asynccontextmanager
async def running_server(settings: Settings) -> AsyncIterator[RunningServer]:
    """A server for as long as the block lasts. Raises ProtocolError when it cannot be started, and when a part it
    cannot do without has given up: the block is cancelled then.

    Parts are made from the inside out: store and queue, what works on them, what answers, and the endpoints last. They
    are closed in the reverse order: first nothing new comes in, then the work stops, then the files close.
    """
    if settings.watch is not None:
        check_watched(settings.watch)
    with (
        _lock(settings.store),
        contextlib.closing(open_database(settings.store / DATABASE)) as connection,
        bound_ports(settings) as ports,
    ):
        settings = ports.settings
        # Of servers that were killed: nobody writes to the store now, so no unfinished file is being written.
        await asyncio.to_thread(sweep_all_parts, settings.store, float("inf"))
        supervisor = Supervisor()
        events = Events()
        audience = Audience(events)
        sealing = sealing_of(settings.sign, blobs_in(settings.store))
        store = _open_store(settings.store, connection, sealing)
        limits, presets = settings.limits, Presets(connection)
        queue = JobQueue(connection, limits.queued_jobs)
        folder = MailboxFolder(mailbox_root(settings.store), limits.frame_bytes)
        readable = (*settings.roots, folder.audio, settings.store / ADAPTERS)
        reader = SongReader(store, connection, readable, limits.song_seconds)
        folders = EngineFolders(store.blobs.root, scratch_folder(settings.store))
        engines = EnginePool(
            settings.engines, folders, settings.places, limits.stop_seconds, limits.describe_seconds,
            [HostConnection(join, limits.pulse) for join in settings.render_hosts], settings.render_host_fallback,
        )  # fmt: skip
        for render_host in engines.render_hosts:
            supervisor.start(f"link to {render_host.join.address}", render_host.run, essential=False)
        tempos = SongTempos(store, connection, reader)
        worker = RenderWorker(settings, connection, store, queue, events, reader, engines, tempos)
        shared_context = SharedContext(events, tempos.recall)
        controller = AuditionController(
            store, worker.live, events, supervisor, SoundDevices(settings.sound), TRANSPORTS
        )
        passages = Passages(store.index, controller.scene_builder, worker.live)
        dispatcher = Dispatcher(events)
        contexts = ClientContexts(limits.clients)
        models = ModelHandlers(settings, events)
        aside = AsideDesk()
        trainings = TrainingHandlers(settings, events, engines.render_hosts)
        running = RunningRequests()
        listening = ListeningDesk(aside, running)
        plans = Plans(store, connection)
        jobs = JobHandlers(queue, store, audience, worker, tempos, plans, running)
        dispatcher.register(
            handler_table(
                submit=SubmitHandlers(
                    settings.engine, engines, contexts, shared_context, store, queue, events, audience, reader,
                    worker, jobs, tempos, plans, presets,
                ),
                jobs=jobs,
                takes=TakeHandlers(store, connection, events, queue, controller),
                ranking=RankingHandlers(settings, store, listening),
                words=WordHandlers(settings, store, listening),
                models=models,
                trainings=trainings,
                marks=TakeMarkHandlers(store, connection, events),
                exports=ExportHandlers(
                    store, settings.store / DATABASE, settings.roots, running, sealing, settings.spoken
                ),
                context=ContextHandlers(contexts, shared_context, reader),
                song_tempo=SongTempoHandlers(contexts, shared_context, reader, tempos),
                prompts=PromptHandlers(settings.engine, engines, presets, store, queue, reader),
                shared_context=SharedContextHandlers(settings, shared_context, reader, audience),
                status=StatusHandlers(settings, queue, store, worker, engines, supervisor, running),
                audition=AuditionHandlers(controller, passages, store.index, queue, reader, shared_context, events),
            )
        )  # fmt: skip
        osc = OscEndpoint(settings, dispatcher, supervisor)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: osc, sock=ports.udp)
        live = LiveValues(dispatcher, shared_context, events, audience)
        health = Health(settings, engines, queue, supervisor)
        turns = Turns()
        websocket = WebSocketEndpoint(
            settings, dispatcher, audience, live, store.blobs, reader, turns, supervisor
        )

        def traffic() -> Traffic:
            return Traffic(websocket.open, websocket.cut_off, osc.dropped)

        metrics = Metrics(settings, events, queue, worker, engines, store.blobs, traffic)
        services = Services(
            pages=Pages(settings, store, live),
            files=StoreFiles(store),
            passages=PassageFiles(passages),
            trainings=TrainingFiles(settings.store),
            rpc=PostRpc(settings, dispatcher, audience, turns),
            uploads=PutUpload(settings, store.blobs, reader),
            health=health,
            metrics=MetricsPage(metrics),
            websocket=websocket,
        )
        http = HttpServer(application(settings, services), settings)
        await http.start(ports.tcp)
        await asyncio.to_thread(folder.make)  # before the server announces itself
        mailbox = MailboxEndpoint(folder, dispatcher, supervisor, queue, jobs.outcome, settings.spoken)
        _reconnect(queue, audience, osc, mailbox)
        supervisor.start("OSC endpoint", osc.run)
        supervisor.start("mailbox", mailbox.run)
        supervisor.start("metrics", metrics.watch_loop, essential=False)
        supervisor.start("render worker", worker.run)
        supervisor.start("ends of jobs", queue.keep_writing_ends)
        supervisor.spawn("training of before", trainings.go_on())
        if settings.watch is not None:
            watched = WatchFolder(
                replace(settings.watch, language=settings.spoken),
                dispatcher,
                store,
                queue,
                reader,
                supervisor,
                readable,
            )
            supervisor.report(WatchFolderStatus, watched.status)
            supervisor.start("watched folder", watched.run, essential=False)
        address = settings.store / ADDRESS
        try:
            # With the token, for this user's programs.
            await asyncio.to_thread(write_private, address, json.dumps(_address(settings)))
            with _pointed_to(settings.pointer, folder.root):
                async with (
                    announced(settings) as announcement,
                    link_control(settings.link, dispatcher, shared_context, supervisor),
                    midi_control(settings.midi, dispatcher, shared_context, events, supervisor) as midi,
                ):
                    with _ended_by(supervisor):
                        yield RunningServer(
                            settings, dispatcher, worker, engines, store, controller, supervisor, metrics, trainings,
                            websocket, announcement, midi,
                        )  # fmt: skip
        finally:
            await close_each(
                aside.close, http.close, health.close, osc.close, controller.close, models.close, trainings.close,
                supervisor.close, mailbox.close, lambda: address.unlink(missing_ok=True),
            )  # fmt: skip


@contextlib.contextmanager
def _ended_by(supervisor: Supervisor) -> Iterator[None]:
    """Cancels the block when an essential part has given up, and raises ProtocolError in its place."""
    host = asyncio.current_task()
    assert host is not None, "a server runs in a task"

    def end(failed: asyncio.Future[str]) -> None:
        if not failed.cancelled():
            host.cancel()

    supervisor.failed.add_done_callback(end)
    try:
        yield
    except asyncio.CancelledError:
        if not supervisor.failed.done() or supervisor.failed.cancelled():
            raise
        host.uncancel()
        raise ProtocolError(
            ErrorCode.INTERNAL,
            supervisor.failed.result(),
            "The server has stopped. Accepted jobs are kept; its log has the details.",
        ) from None
    finally:
        supervisor.failed.remove_done_callback(end)


def mailbox_root(store: Path) -> Path:
    """The folder of the store's mailbox."""
    return store / "mailbox"


def find_server(store: Path) -> dict[str, object] | None:
    """`look_for_server`; None, too, where this user may not look."""
    with contextlib.suppress(PermissionError):
        return look_for_server(store)
    return None


def look_for_server(store: Path) -> dict[str, object] | None:
    """Address of the running server of this store, None if there is none: host, websocket_port, osc_port, token; and
    whether it is open to other machines. Raises PermissionError where the store is another user's.
    """
    try:
        if not (store / LOCK).is_file():  # locking would make it, with its folder
            return None
        with FileLock(store / LOCK, timeout=LOOK_SECONDS).acquire(poll_interval=0.01):
            return None  # the lock is free: an address left here is of a killed server
    except Timeout:
        with contextlib.suppress(OSError, ValueError, TypeError, RecursionError):
            return dict(json.loads((store / ADDRESS).read_text(encoding="utf-8")))
    except OSError as error:
        if isinstance(error, PermissionError):
            raise
    return None  # a disk that can only be read, perhaps


@contextlib.contextmanager
def _pointed_to(pointer: Path | None, mailbox: Path) -> Iterator[None]:
    """Points scripts to the mailbox while the server runs. They find the server that was started last."""
    content = os.fsencode(f"{mailbox}\n")  # UTF-8, unless the folder's own name is not
    if pointer is not None:
        try:
            pointer.parent.mkdir(parents=True, exist_ok=True)
            pointer.write_bytes(content)
        except OSError as error:
            log.warning("The mailbox could not be announced in %s: %s.", pointer, error.strerror)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if pointer is not None and pointer.read_bytes() == content:
                pointer.unlink()


@contextlib.contextmanager
def _lock(store: Path) -> Iterator[None]:
    """Locks the store: two servers on one queue would render everything twice."""
    try:
        make_private_folder(store)
        lock = FileLock(store / LOCK, timeout=LOOK_SECONDS)
        lock.acquire(poll_interval=0.01)
    except Timeout as error:
        raise StoreInUse(
            ErrorCode.STORE_FAILED,
            f"Another server is using the store {store}.",
            "Use that server, stop it, or start this one with another --store.",
        ) from error
    except OSError as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"The store {store} cannot be used: {error.strerror}.",
            "Choose a writable folder with --store.",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _open_store(folder: Path, connection: Connection, sealing: Sealing | None) -> ClipStore:
    try:
        return ClipStore(folder, connection, sealing.clip if sealing else None)
    except ClipStoreError as error:
        raise as_protocol_error(error) from error


def _reconnect(
    queue: JobQueue,
    audience: Audience,
    osc: OscEndpoint,
    mailbox: MailboxEndpoint,
) -> None:
    """Clients of a server before this one that can still be reached follow their jobs again."""
    for job in (
        *queue.newest(JobState.QUEUED, limit=MAX_JOBS),
        *queue.newest(JobState.RUNNING, limit=MAX_JOBS),
    ):
        if job.reply_to:
            endpoint = mailbox if job.reply_to.startswith(SCHEME) else osc
            audience.add(job.id, endpoint.client(job.reply_to))


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
