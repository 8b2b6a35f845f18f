"""A real server's doors, called in this process: what comes in by a socket or a file is handed to them as bytes.

The server is whole but for its render worker, which begins no job: what is asked for is accepted and waits.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from starlette.websockets import WebSocket

from bridge_server import server as server_module
from bridge_server.endpoints.http.server import HttpServer
from bridge_server.endpoints.mailbox.endpoint import MailboxEndpoint
from bridge_server.endpoints.mailbox.folder import SETTLED_SECONDS, MailboxFolder
from bridge_server.endpoints.osc import OscEndpoint
from bridge_server.endpoints.websocket import ABORT, WebSocketEndpoint
from bridge_server.engines.registry import EngineSetup
from bridge_server.rendering.worker import RenderWorker
from bridge_server.server import RunningServer, running_server
from bridge_server.settings import Settings
from bridge_server.supervisor import Supervisor
from tests.bridge_server.peers import noise_song
from tests.fuzz.law import Read, Unlawful
from tests.fuzz.readers import scratch
from tests.fuzz.seeds import message

STRANGER = ("127.0.0.1", 50_000)
MARKER = ("127.0.0.1", 50_001)
"""The sender of a message that asks for an answer of its own: whatever came before has been served then."""
PATIENCE = 10.0  # seconds


@dataclass(frozen=True)
class Opened:
    """A running server and the endpoints it made."""

    server: RunningServer
    http: HttpServer
    websocket: WebSocketEndpoint
    mailbox: MailboxEndpoint
    folder: MailboxFolder
    seconds: list[float]  # added to the clock of the mailbox


async def _never(_: MailboxEndpoint) -> None:
    await asyncio.Event().wait()


Take = Callable[[bytes], Coroutine[Any, Any, None]]


@contextmanager
def opened(begin: Callable[[Opened, AsyncExitStack], Awaitable[Take]]) -> Iterator[Read]:
    """A reader that takes each input in the server's event loop, which stands still in between."""
    loop = asyncio.new_event_loop()
    made: dict[type, Any] = {}
    seconds = [0.0]

    def recorded(kind: type, **more: Any) -> Any:
        def make(*arguments: Any) -> Any:
            made[kind] = kind(*arguments, **more)
            return made[kind]

        return make

    async def start(stack: AsyncExitStack, folder: Path) -> Take:
        (folder / "songs").mkdir()
        noise_song(folder / "songs" / "song.wav", frames=48000 * 8)
        settings = Settings(
            store=folder / "store",
            roots=(folder / "songs",),
            osc_port=0,
            websocket_port=0,
            engine="noise",
            sound=False,
            engines={"noise": EngineSetup("tests.doubles:NoiseEngine")},
        )
        server = await stack.enter_async_context(running_server(settings))
        await server.worker.warm.wait()
        await server.engines.describe("noise")
        kinds = (HttpServer, WebSocketEndpoint, MailboxEndpoint, MailboxFolder)
        return await begin(Opened(server, *(made[kind] for kind in kinds), seconds), stack)

    def clock() -> float:
        return time.monotonic() + seconds[0]

    with (
        scratch() as folder,
        patch.object(RenderWorker, "_begin_jobs", lambda _: True),
        patch.object(MailboxEndpoint, "run", _never),
        patch.object(server_module, "HttpServer", recorded(HttpServer)),
        patch.object(server_module, "WebSocketEndpoint", recorded(WebSocketEndpoint)),
        patch.object(server_module, "MailboxEndpoint", recorded(MailboxEndpoint)),
        patch.object(server_module, "MailboxFolder", recorded(MailboxFolder, clock=clock)),
    ):
        asyncio.set_event_loop(loop)
        stack = AsyncExitStack()
        try:
            take = loop.run_until_complete(start(stack, folder))
            yield lambda data: loop.run_until_complete(take(data))
        finally:
            loop.run_until_complete(stack.aclose())
            loop.run_until_complete(loop.shutdown_default_executor())
            asyncio.set_event_loop(None)
            loop.close()


class _Errands(Supervisor):
    """Knows what it has been asked to run in the background."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way: list[asyncio.Task[None]] = []

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.under_way.append(super().spawn(name, work))
        return self.under_way[-1]

    async def done(self) -> None:
        while self.under_way:
            await asyncio.wait_for(self.under_way.pop(), PATIENCE)


class _Datagrams(asyncio.DatagramTransport):
    """A UDP socket that keeps what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.marked = asyncio.Event()

    def sendto(self, data: bytes, addr: Any = None) -> None:
        if addr == MARKER:
            self.marked.set()
        else:
            self.sent.append(data)

    def is_closing(self) -> bool:
        return False


def osc_reader() -> Any:
    """A packet by UDP: once from a program that is trusted, once from one that would need the token."""

    async def begin(opened: Opened, stack: AsyncExitStack) -> Take:
        errands = _Errands()
        stack.push_async_callback(errands.close)
        wires = []
        for settings in (
            opened.server.settings,
            replace(opened.server.settings, token="a token nobody knows"),
        ):
            endpoint, wire = OscEndpoint(settings, opened.server.dispatcher, errands), _Datagrams()
            endpoint.connection_made(wire)
            errands.start(f"OSC {len(wires)}", endpoint.run)
            wires.append((endpoint, wire))
        marker = message("/bridge/audition/gain", "r", "token", "a token nobody knows")

        async def take(data: bytes) -> None:
            for guarded, (endpoint, wire) in enumerate(wires):
                wire.sent.clear()
                wire.marked.clear()
                endpoint.datagram_received(data, STRANGER)
                endpoint.datagram_received(marker, MARKER)
                await asyncio.wait_for(wire.marked.wait(), PATIENCE)
                await errands.done()
                size = sum(map(len, wire.sent))
                if guarded and size > len(data):
                    raise Unlawful("answer", f"{size} bytes without the token, for {len(data)}")
                if any(b"Internal error" in sent for sent in wire.sent):
                    raise Unlawful("internal", repr(wire.sent))

        return take

    return opened(begin)


def websocket_reader() -> Any:
    """A WebSocket frame: text as it is, a binary one behind a zero byte."""

    async def begin(opened: Opened, stack: AsyncExitStack) -> Take:
        came: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        sent: list[Any] = []
        marked = asyncio.Event()
        numbers = itertools.count()
        mark = ""

        async def send(frame: Any) -> None:
            text = frame.get("text") or ""
            if mark and mark in text:
                marked.set()
            else:
                sent.append(text or frame.get("bytes", b""))

        aborts: list[bool] = []
        scope = {
            "type": "websocket",
            "path": "/",
            "raw_path": b"/",
            "query_string": b"",
            "headers": [],
            "client": STRANGER,
            "extensions": {ABORT: {"now": lambda: aborts.append(True)}},
        }
        came.put_nowait({"type": "websocket.connect"})
        task = asyncio.create_task(opened.websocket.serve(WebSocket(scope, came.get, send)))

        async def leave() -> None:
            came.put_nowait({"type": "websocket.disconnect", "code": 1000})
            await task

        stack.push_async_callback(leave)

        async def take(data: bytes) -> None:
            nonlocal mark
            sent.clear()
            marked.clear()
            if data[:1] == b"\0":
                came.put_nowait({"type": "websocket.receive", "bytes": data[1:]})
            else:
                came.put_nowait({"type": "websocket.receive", "text": data.decode("utf-8", "replace")})
            mark = f"mark-{next(numbers)}"
            came.put_nowait({"type": "websocket.receive", "text": json.dumps({"id": mark})})
            waiting = asyncio.create_task(marked.wait())
            await asyncio.wait((task, waiting), timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if task.done() or not marked.is_set():
                raise Unlawful("connection", f"it ended, or it does not answer: {task}")
            for frame in sent:
                if isinstance(frame, str):
                    json.loads(frame)
                    frame.encode()
                if "Internal error" in str(frame):
                    raise Unlawful("internal", str(frame))

        return take

    return opened(begin)


class _Connection(asyncio.Transport):
    """A TCP connection that keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": STRANGER, "sockname": ("127.0.0.1", 9125)})
        self.written = bytearray()
        self.closed = False
        self.protocol: Any = None

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def get_protocol(self) -> Any:
        return self.protocol

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        """All bytes have come already."""

    resume_reading = pause_reading


def http_reader() -> Any:
    """The bytes of a connection to the TCP port, up to its end."""

    async def begin(opened: Opened, stack: AsyncExitStack) -> Take:
        uvicorn = opened.http._uvicorn
        config, state = uvicorn.config, uvicorn.server_state

        async def take(data: bytes) -> None:
            data = data.replace(b"SONG", b"/audio/" + b"ab" * 32 + b".wav")
            connection = _Connection()
            before = set(state.tasks)
            connection.protocol = config.http_protocol_class(config=config, server_state=state, app_state={})
            connection.protocol.connection_made(connection)
            if data:  # asyncio hands on what has come, never nothing
                connection.protocol.data_received(data)
            await _served(connection, state.tasks - before)
            connection.protocol.connection_lost(None)
            if left := state.tasks - before:
                _, late = await asyncio.wait(left, timeout=PATIENCE)
                if late:
                    raise Unlawful("connection", f"what serves it does not end: {late}")
            if connection.written and not connection.written.startswith(b"HTTP/1.1 "):
                raise Unlawful("answer", repr(bytes(connection.written[:200])))
            if b"Internal error" in connection.written or b"HTTP/1.1 500" in connection.written:
                raise Unlawful("internal", repr(bytes(connection.written[:1000])))

        return take

    return opened(begin)


async def _served(connection: _Connection, tasks: set[Any]) -> None:
    """Until the answer is out, or more would have to come."""
    began = time.monotonic()
    for step in itertools.count():
        await asyncio.sleep(0)
        cycle = getattr(connection.protocol, "cycle", None)
        waits = cycle is None or (cycle.more_body and not cycle.response_complete)
        if all(task.done() for task in tasks) or (waits and step > 20):
            return
        if step > 20:
            await asyncio.sleep(0.0005)  # a thread reads
        if time.monotonic() - began > PATIENCE:
            raise Unlawful("connection", "it gets no answer")


def mailbox_reader() -> Any:
    """A request file in the mailbox, to the end of its answer."""

    async def begin(opened: Opened, stack: AsyncExitStack) -> Take:
        errands = _Errands()
        stack.push_async_callback(errands.close)
        opened.mailbox._supervisor = errands
        folder = opened.folder

        async def take(data: bytes) -> None:
            (folder.inbox / "r.json").write_bytes(data)
            letters = list(folder.take())
            if not letters:  # no JSON: it may still be being written
                opened.seconds[0] += 2 * SETTLED_SECONDS
                letters = list(folder.take())
            assert len(letters) == 1, letters
            for letter in letters:
                await opened.mailbox._answer_letter(letter)
            await errands.done()
            answer = folder.outbox / "r.jsonl"
            if answer.exists():
                text = answer.read_bytes()
                answer.unlink()
                assert text.endswith(b"\n")
                for line in text.splitlines():
                    json.loads(line)
                if b"Internal error" in text:
                    raise Unlawful("internal", repr(text))
            left = [path.name for path in folder.inbox.iterdir()]
            for name in left:
                (folder.inbox / name).unlink()
            if [name for name in left if not name.endswith(".refused")]:
                raise Unlawful("left", repr(left))

        return take

    return opened(begin)
