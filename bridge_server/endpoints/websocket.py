"""One WebSocket connection: JSON-RPC in text frames, audio and OSC packets in binary ones.

Each connection has two tasks: this endpoint's, which reads and carries out, and a sender, which empties the outbox.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from bridge_server.endpoints.osc_over_websocket import Listener, OscFrames, is_packet, serve_packet
from bridge_server.endpoints.oscquery_values import LiveValues
from bridge_server.endpoints.outbox import Outbox
from bridge_server.endpoints.rpc import answer_call
from bridge_server.endpoints.turns import Turns, TurnTaker
from bridge_server.endpoints.uploads import Upload
from bridge_server.handlers.dispatcher import Dispatcher
from bridge_server.handlers.response import TakeFile
from bridge_server.languages.installed import language_named
from bridge_server.languages.wording import reply_in, values_in
from bridge_server.sessions.audience import Audience
from bridge_server.settings import Settings
from bridge_server.songs.song_reader import SongReader
from bridge_server.supervisor import Supervisor
from clip_store.blobs import BlobStore
from daw_protocol import jsonrpc, oscquery
from daw_protocol.addresses import COMMANDS
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.jsonrpc import BadCall, Call
from daw_protocol.replies import Failed, Reply, Understood
from daw_protocol.requests import (
    BeginUpload,
    Export,
    HearWords,
    RankTakes,
    ReadTrainingSongs,
    Request,
    ResumeTraining,
    StartTraining,
)

log = logging.getLogger(__name__)

# Audio goes down in frames of this size: large enough to be fast, small enough for replies to get in between.
FRAME_BYTES = 1 << 20
# So many of them wait at most for a client that reads slowly: audio waits for room, replies never do.
AUDIO_FRAMES = 4
# Uploaded frames from this size on are hashed and written in a thread; for smaller ones that would take longer.
THREAD_BYTES = 1 << 16
# In the scope of a connection: ends it at once, whatever the client has not read yet.
ABORT = "takebridge.abort"
# Clients that name themselves have this key, by WebSocket and by POST.
KEY = "ws:"
# What commands of the command line say they are, in the header User-Agent.
COMMAND_AGENT = "takebridge-command"
# Calls that may take minutes are answered in the background, so many of a connection.
LONG_REQUESTS = (Export, RankTakes, HearWords, ReadTrainingSongs, StartTraining, ResumeTraining)
LONG_CALLS = tuple(command for command in COMMANDS if command.request in LONG_REQUESTS)
LONG_METHODS = {command.name: command.request for command in LONG_CALLS}
LONG_ADDRESSES = {f"{command.address}\0".encode(): command.request for command in LONG_CALLS}
MAX_LONG_CALLS = 8
# Of these, the ones that leave nothing but an answer: they end with the connection.
ONLY_ANSWERED = (RankTakes, HearWords, ReadTrainingSongs)


class AudioFrame(bytes):
    """A part of an audio file on its way down."""


class WebSocketClient:
    """One connection. Frames leave in order through one outbox, so that no other client waits for a slow reader."""

    door = "websocket"

    def __init__(self, socket: WebSocket, settings: Settings) -> None:
        self._socket = socket
        self._settings = settings
        name = socket.query_params.get("client", "")[: jsonrpc.MAX_CLIENT]
        self.key = self.sender = f"{KEY}{name or secrets.token_hex(8)}"
        self.reply_to = ""
        self.language = language_named(socket.query_params.get("language", "")) or settings.spoken
        self.upload: Upload | None = None
        self.upload_id = ""
        self.osc = OscFrames(self)
        self.listener = Listener(self)
        self.outbox = Outbox()
        self.turn = TurnTaker()
        self.long_calls = 0  # being answered in the background
        self.only_answered: set[asyncio.Task[None]] = set()  # those of them that end with the connection
        self._audio_room = asyncio.Semaphore(AUDIO_FRAMES)
        self.gone = False
        self.cut_off = False  # since it did not read

    def send(self, reply: Reply) -> None:
        self.put(jsonrpc.notification(reply_in(reply, self.language)))

    def begin_upload(self, request: BeginUpload) -> None:
        self.end_upload()
        self.upload = Upload(request, self._settings.store / "scratch", self._settings.limits.upload_bytes)
        self.upload_id = request.id

    def end_upload(self) -> None:
        if self.upload is not None:
            self.upload.close()
        self.upload = None

    def put(self, frame: str | bytes) -> None:
        if not self.gone and not self.outbox.put(frame):
            log.warning("client %s does not read its replies and is disconnected", self.key)
            self.cut_off = True
            self.leave()
            abort: Callable[[], None] = self._socket.scope["extensions"][ABORT]["now"]
            abort()

    async def put_file(self, file: TakeFile) -> None:
        """Sends a file piece by piece; waits for room, so that replies are not crowded out."""
        for piece in file.pieces(FRAME_BYTES):
            await self._audio_room.acquire()
            if self.gone:
                return
            self.put(AudioFrame(await asyncio.to_thread(file.read, *piece)))

    async def run(self) -> None:
        """Sends what is queued until the connection closes."""
        try:
            while not self.gone:
                frame = await self.outbox.get()
                if isinstance(frame, str):
                    await self._socket.send_text(frame)
                else:
                    await self._socket.send_bytes(frame)
                if isinstance(frame, AudioFrame):
                    self._audio_room.release()
        except (WebSocketDisconnect, RuntimeError):  # RuntimeError: closed by this side
            pass
        finally:
            self.leave()

    def leave(self) -> None:
        """Nothing is sent any more, and nothing needs to wait for room."""
        self.gone = True
        self.outbox.close()
        self._audio_room.release()


class WebSocketEndpoint:
    """Serves connections that have been admitted.

    open: how many there are; commands: those of them that are commands at work; cut_off: how many have been ended since
    they did not read.
    """

    def __init__(
        self,
        settings: Settings,
        dispatcher: Dispatcher,
        audience: Audience,
        live: LiveValues,
        blobs: BlobStore,
        reader: SongReader,
        turns: Turns,
        supervisor: Supervisor,
    ) -> None:
        self._settings = settings
        self._dispatcher = dispatcher
        self._audience = audience
        self._live = live
        self._blobs = blobs
        self._reader = reader
        self._turns = turns
        self._supervisor = supervisor
        self.open = 0
        self.commands = 0
        self.cut_off = 0

    async def serve(self, socket: WebSocket) -> None:
        """Reads frames until the connection closes."""
        await socket.accept()
        command = socket.headers.get("user-agent", "") == COMMAND_AGENT
        self.open += 1
        self.commands += command
        client = WebSocketClient(socket, self._settings)
        sender = asyncio.create_task(client.run(), name=f"sender of {client.key}")
        try:
            while not client.gone:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    break
                await self._turns.next(client.turn)
                if (text := message.get("text")) is not None:
                    await self._receive_text(client, text)
                else:
                    await self._receive_bytes(client, message["bytes"])
                await client.outbox.room()
        finally:
            self.open -= 1
            self.commands -= command
            self.cut_off += client.cut_off
            sender.cancel()
            client.leave()
            self._audience.forget(client)
            self._audience.forget(client.osc)
            self._live.forget(client.listener)
            client.end_upload()
            for task in client.only_answered:
                task.cancel()

    async def _receive_text(self, client: WebSocketClient, text: str) -> None:
        if oscquery.is_oscquery(text):
            try:
                self._live.listen(client.listener, oscquery.listen_in(text))
            except ProtocolError as error:  # in OSC: that is what such a client reads
                client.osc.send(Failed.from_error(error))
            return
        calls, batch = jsonrpc.read_frame(text)
        long = None if batch else _long_call(calls[0])
        await self._in_turn(client, self._answer(client, calls, batch), long)

    async def _in_turn(
        self, client: WebSocketClient, work: Coroutine[Any, Any, None], long: type[Request] | None
    ) -> None:
        """Serves a frame before the next one; one that takes long meanwhile, since the next one may cancel it.

        long: the request in it, where it takes long.
        """
        if long is None or client.long_calls >= MAX_LONG_CALLS:
            await work
            return

        def ended(task: asyncio.Task[None]) -> None:
            client.long_calls -= 1
            client.only_answered.discard(task)

        client.long_calls += 1
        task = self._supervisor.spawn("WebSocket request", work)
        if long in ONLY_ANSWERED:
            client.only_answered.add(task)
        task.add_done_callback(ended)

    async def _answer(self, client: WebSocketClient, calls: Sequence[Call | BadCall], batch: bool) -> None:
        answers: list[dict[str, Any]] = []
        files: list[TakeFile] = []
        for number, call in enumerate(calls):
            if number:
                await self._turns.next(client.turn)
            answer, response = await answer_call(
                call, lambda request: self._dispatcher.respond(request, client)
            )
            if answer is not None:
                answers.append(values_in(answer, client.language))
            if response.file is not None:
                files.append(response.file)
            if response.error is None:
                for reply in response.replies[1:]:  # the first one is the answer itself
                    client.send(reply)
        if (frame := jsonrpc.answer_text(answers, batch)) is not None:
            client.put(frame)
        for file in files:
            await client.put_file(file)

    async def _receive_bytes(self, client: WebSocketClient, frame: bytes) -> None:
        upload = client.upload
        if upload is None and is_packet(frame):
            work = serve_packet(self._dispatcher, frame, client.osc)
            await self._in_turn(client, work, _long_packet(frame))
            return
        if upload is None:
            error = ProtocolError(
                ErrorCode.BAD_UPLOAD, "Binary data without upload.begin.", "Call upload.begin first."
            )
            client.send(Failed.from_error(error))
            return
        try:
            if len(frame) < THREAD_BYTES:
                upload.write(frame)
            else:
                await asyncio.to_thread(upload.write, frame)
            if not upload.complete:
                return
            source = await asyncio.to_thread(upload.keep, self._blobs, self._settings.limits.song_seconds)
            self._reader.remember_upload(
                source, upload.announced.name, upload.received, upload.stamp, upload.tags
            )
            client.send(Understood(id=client.upload_id, command="upload", text=source, note=upload.note))
        except ProtocolError as error:
            client.send(Failed.from_error(error, request_id=client.upload_id))
        client.end_upload()


def _long_call(call: Call | BadCall) -> type[Request] | None:
    return LONG_METHODS.get(call.method) if isinstance(call, Call) else None


def _long_packet(frame: bytes) -> type[Request] | None:
    return next((request for address, request in LONG_ADDRESSES.items() if frame.startswith(address)), None)
