"""JSON-RPC over WebSocket, audio as binary frames, and plain HTTP for pages and files, all on one port."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response

from bridge_server.endpoints.http.callers import admitted, check_caller, is_upgrade
from bridge_server.endpoints.http.pages import PLAIN, Page, Pages, hello
from bridge_server.endpoints.http.panel_files import HELLO
from bridge_server.endpoints.http.responses import only_asks, respond
from bridge_server.endpoints.osc_over_websocket import Listener, OscFrames, is_packet, serve_packet
from bridge_server.endpoints.oscquery_values import LiveValues
from bridge_server.endpoints.rpc import answer_call
from bridge_server.endpoints.uploads import Upload
from bridge_server.handlers.dispatcher import Dispatcher
from bridge_server.handlers.response import TakeFile
from bridge_server.sessions.audience import Audience
from bridge_server.settings import Settings
from bridge_server.songs.song_reader import SongReader
from clip_store.blobs import BlobStore
from daw_protocol import jsonrpc, oscquery
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import Failed, Reply, Understood
from daw_protocol.requests import BeginUpload

log = logging.getLogger(__name__)

# Replies waiting for a client that reads slowly; a client this far behind is disconnected.
OUTBOX = 2000
# Audio goes down in frames of this size: large enough to be fast, small enough for replies to get in between.
FRAME_BYTES = 1 << 20
# So many of them wait at most for a client that reads slowly: audio waits for room, replies never do.
AUDIO_FRAMES = 8


class AudioFrame(bytes):
    """A part of an audio file on its way down."""


class WebSocketClient:
    """One connection. Frames leave in order through one queue, so that no other client waits for a slow reader."""

    def __init__(self, connection: ServerConnection, name: str, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings
        self.key = self.sender = f"ws:{name or secrets.token_hex(8)}"
        self.reply_to = ""
        self.upload: Upload | None = None
        self.osc = OscFrames(self)
        self.listener = Listener(self)
        self._outbox: asyncio.Queue[str | bytes] = asyncio.Queue(OUTBOX)
        self._audio_room = asyncio.Semaphore(AUDIO_FRAMES)
        self.gone = False

    def send(self, reply: Reply) -> None:
        self.put(jsonrpc.notification(reply))

    def begin_upload(self, request: BeginUpload) -> None:
        if self.upload is not None:
            self.upload.close()
        self.upload = None
        self.upload = Upload(request, self._settings.store / "scratch", self._settings.limits.upload_bytes)

    def put(self, frame: str | bytes) -> None:
        if self.gone:
            return
        try:
            self._outbox.put_nowait(frame)
        except asyncio.QueueFull:
            log.warning("client %s does not read its replies and is disconnected", self.key)
            self.gone = True
            self._connection.transport.abort()

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
            while True:
                frame = await self._outbox.get()
                await self._connection.send(frame)
                if isinstance(frame, AudioFrame):
                    self._audio_room.release()
        except ConnectionClosed:
            pass
        finally:
            self.gone = True
            self._audio_room.release()  # nothing needs to wait for room any more


class WebSocketEndpoint:
    """The server's TCP port."""

    def __init__(
        self,
        settings: Settings,
        dispatcher: Dispatcher,
        audience: Audience,
        live: LiveValues,
        pages: Pages,
        blobs: BlobStore,
        reader: SongReader,
    ) -> None:
        self._settings = settings
        self._dispatcher = dispatcher
        self._audience = audience
        self._live = live
        self._pages = pages
        self._blobs = blobs
        self._reader = reader
        self._server: Server | None = None

    async def start(self, bound: socket.socket) -> None:
        """Listens on a bound socket."""
        self._server = await serve(
            self._serve,
            sock=bound,
            process_request=self._process_request,
            max_size=self._settings.limits.frame_bytes,
            compression=None,  # audio does not compress, and JSON over loopback need not
            server_header=None,
        )

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _process_request(self, connection: ServerConnection, request: HttpRequest) -> Response | None:
        """Checks the caller, answers plain HTTP, lets WebSocket handshakes through."""
        try:
            urlsplit(request.path)
            check_caller(self._settings, request.path, request.headers, peer_of(connection))
        except ProtocolError as error:
            return await respond(Page(403, PLAIN, f"{error}\n".encode()))
        except ValueError:  # urlsplit on an invalid host, origin or path
            return await respond(Page(403, PLAIN, b"Not an address of this server.\n"))
        if (answer := only_asks(request.method)) is not None:
            return answer
        if is_upgrade(request.headers):
            return None
        if urlsplit(request.path).path == HELLO:
            known = admitted(self._settings, request.path, request.headers, peer_of(connection))
            page = hello(self._settings, known)
        else:
            page = await self._pages.get(request.path, request.headers.get("Accept", ""))
        return await respond(page, request.method, request.headers.get("Range", ""))

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None, "after the handshake"
        query = parse_qs(urlsplit(connection.request.path).query)
        client = WebSocketClient(connection, query.get("client", [""])[0][:64], self._settings)
        sender = asyncio.create_task(client.run())
        try:
            async for frame in connection:
                if client.gone:
                    break  # frames sent before the disconnect would still be read
                if isinstance(frame, bytes):
                    await self._receive_bytes(client, frame)
                else:
                    await self._receive_text(client, frame)
        except ConnectionClosed:
            pass
        finally:
            sender.cancel()
            self._audience.forget(client)
            self._audience.forget(client.osc)
            self._live.forget(client.listener)
            if client.upload is not None:
                client.upload.close()

    async def _receive_text(self, client: WebSocketClient, text: str) -> None:
        if oscquery.is_oscquery(text):
            try:
                self._live.listen(client.listener, oscquery.listen_in(text))
            except ProtocolError as error:  # in OSC: that is what such a client reads
                client.osc.send(Failed.from_error(error))
            return
        calls, batch = jsonrpc.read_frame(text)
        answers: list[dict[str, Any]] = []
        files: list[TakeFile] = []
        for call in calls:
            answer, response = await answer_call(
                call, lambda request: self._dispatcher.respond(request, client)
            )
            if answer is not None:
                answers.append(answer)
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
            await serve_packet(self._dispatcher, frame, client.osc)
            return
        if upload is None:
            error = ProtocolError(
                ErrorCode.BAD_UPLOAD, "Binary data without upload.begin.", "Call upload.begin first."
            )
            client.send(Failed.from_error(error))
            return
        request_id = upload.announced.id
        try:
            upload.write(frame)
            if not upload.complete:
                return
            source = await asyncio.to_thread(upload.keep, self._blobs, self._settings.limits.song_seconds)
            self._reader.remember_stamp(source, upload.stamp)
            client.send(Understood(id=request_id, command="upload", text=source, note=upload.note))
        except ProtocolError as error:
            client.send(Failed.from_error(error, request_id=request_id))
        upload.close()
        client.upload = None


def peer_of(connection: ServerConnection) -> str:
    """The address the connection comes from; "" when it has closed already."""
    address = connection.remote_address
    return str(address[0]) if address else ""
