"""A client of the server for Python programs: calls, replies as they come, audio up and down."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import secrets
import stat
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.http11 import USER_AGENT

from bridge_server.network.lan import token_query
from bridge_server.songs.alike import as_text, existing
from daw_protocol.addresses import BY_NAME
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.jsonrpc import call_text

CHUNK = 1 << 20
MAX_NAME = 255  # letters of an uploaded file's name
TERMINAL = ("done", "failed", "cancelled")

Notification = tuple[str, dict[str, Any]]
OnProgress = Callable[[float, str], None]
"""Is given the part that is done, 0 to 1, and the stage."""


class BridgeClient:
    """One connection to a server. Calls are answered in order; notifications wait in `replies`."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._calls = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._on_progress: dict[str, OnProgress] = {}
        self._binary: asyncio.Queue[bytes] = asyncio.Queue()
        self.replies: asyncio.Queue[Notification] = asyncio.Queue()

    async def call(self, method: str, /, **params: Any) -> Any:
        """The result of one method. Raises ProtocolError with the server's error."""
        command = BY_NAME[method]
        request = command.request.from_fields(params)
        self._calls += 1
        answer = asyncio.get_running_loop().create_future()
        self._answers[self._calls] = answer
        await self._send(call_text(command, request, self._calls))
        return await answer

    async def call_with_progress(self, method: str, on_progress: OnProgress, /, **params: Any) -> Any:
        """`call`, for a request that is no job and sends progress until its answer. Raises ProtocolError."""
        request_id = str(params.get("id") or f"call-{secrets.token_hex(6)}")
        self._on_progress[request_id] = on_progress
        try:
            return await self.call(method, **{**params, "id": request_id})
        finally:
            del self._on_progress[request_id]

    async def upload(self, path: Path) -> tuple[str, tuple[str, ...]]:
        """Sends a file; returns the source name for requests, and notes on the file. Raises ProtocolError."""
        path = existing(path)
        try:
            size, digest = await asyncio.to_thread(_measured, path)
            upload_id = f"upload-{digest[:8]}"
            await self.call(
                "upload.begin", id=upload_id, name=as_text(path.name, MAX_NAME), size=size, sha256=digest
            )
            with path.open("rb") as file:
                while size > 0 and (data := await asyncio.to_thread(file.read, min(CHUNK, size))):
                    await self._send(data)
                    size -= len(data)
        except OSError as error:
            raise _unreadable(path, str(error.strerror)) from error
        if size > 0:
            raise ProtocolError(
                ErrorCode.FILE_UNREADABLE,
                f"{path} became shorter while it was sent.",
                "Wait until the other program has written it, then send it again.",
                "source",
            )
        name, params = await self._reply_to(upload_id)
        if name == "failed":
            raise as_error(params)
        note = str(params.get("note", ""))
        return str(params["text"]), ((note,) if note else ())

    async def _reply_to(self, request_id: str) -> Notification:
        """The next notification about one request; others stay queued for their requests."""
        others = []
        try:
            while (reply := await self.next_reply())[1].get("id") != request_id:
                others.append(reply)
            return reply
        finally:
            for other in others:
                self.replies.put_nowait(other)

    async def fetch(self, take: str, what: str, name: str = "") -> bytes:
        """One file of a take. Raises ProtocolError."""
        size = (await self.call("takes.fetch", take=take, what=what, name=name))["bytes"]
        parts = []
        while size > 0:
            parts.append(await self._binary.get())
            size -= len(parts[-1])
        return b"".join(parts)

    async def next_reply(self) -> Notification:
        """The next notification: name and params. Raises ProtocolError when the server has gone."""
        reply = await self.replies.get()
        if reply[0] == "gone":
            self.replies.put_nowait(reply)  # for the next reader
            raise _gone()
        return reply

    async def receive(self) -> None:
        """Sorts incoming frames; runs in the background."""
        try:
            async for frame in self._connection:
                if isinstance(frame, bytes):
                    self._binary.put_nowait(frame)
                else:
                    self._sort(json.loads(frame))
        except ConnectionClosed:
            pass
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(_gone())
        self.replies.put_nowait(("gone", {}))

    def _sort(self, message: Mapping[str, Any]) -> None:
        if "method" in message:
            name, params = message["method"], message["params"]
            on_progress = self._on_progress.get(params.get("id", "")) if name == "progress" else None
            if on_progress is not None:
                on_progress(params["fraction"], params["stage"])
            else:
                self.replies.put_nowait((name, params))
            return
        answer = self._answers.pop(message["id"], None)
        if answer is None or answer.done():
            return
        if "error" in message:
            data = {"sentence": message["error"]["message"], **message["error"].get("data", {})}
            answer.set_exception(as_error(data))
        else:
            answer.set_result(message["result"])

    async def _send(self, frame: str | bytes) -> None:
        try:
            await self._connection.send(frame)
        except ConnectionClosed as error:
            raise _gone() from error


def _measured(path: Path) -> tuple[int, str]:
    """A file's size and SHA-256, without more of it in memory than a little. Raises ProtocolError, OSError."""
    found = path.stat()  # before it is opened: a pipe would wait for its other end, a device may never end
    if not stat.S_ISREG(found.st_mode):
        raise _unreadable(path, "it is not a file")
    if found.st_size == 0:
        raise ProtocolError(
            ErrorCode.FILE_UNREADABLE, f"{path.name} is empty.", "Save or bounce it again.", "source"
        )
    with path.open("rb") as file:
        return found.st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _unreadable(path: Path, reason: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.FILE_MISSING, f"{path} cannot be read: {reason}.", "Check the name.", "source"
    )


class NoAnswer(ProtocolError):
    """No server answers at an address."""


@contextlib.asynccontextmanager
async def connected(
    host: str, port: int, token: str = "", agent: str | None = USER_AGENT
) -> AsyncIterator[BridgeClient]:
    """A connection for as long as the block lasts. Raises ProtocolError, NoAnswer when there is none.

    agent: what it says it is (endpoints.websocket.COMMAND_AGENT).
    """
    try:
        connection = await connect(
            f"ws://{host}:{port}/{token_query(token)}",
            max_size=None,
            compression=None,
            open_timeout=10,
            proxy=None,
            user_agent_header=agent,
        )
    except (OSError, TimeoutError) as error:
        raise NoAnswer(
            ErrorCode.NOT_ALLOWED,
            f"No server answers at {host}:{port}.",
            "Start one with `takebridge serve`.",
        ) from error
    except WebSocketException as error:
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            f"What answers at {host}:{port} is no Takebridge server, or it refused the connection.",
            "Stop the other program, or start the server again with `takebridge serve`.",
        ) from error
    client = BridgeClient(connection)
    receiver = asyncio.create_task(client.receive())
    try:
        yield client
    finally:
        await connection.close()
        await receiver


async def status_of(found: Mapping[str, object]) -> Any:
    """The status of a server that `find_server` found. Raises ProtocolError when it does not answer."""
    async with connected(
        str(found["host"]), int(str(found["websocket_port"])), str(found["token"])
    ) as client:
        return await client.call("status")


def as_error(params: Mapping[str, Any]) -> ProtocolError:
    """A `failed` reply as an error."""
    return ProtocolError(
        ErrorCode(params.get("code", ErrorCode.INTERNAL.value)),
        str(params.get("sentence", "")),
        str(params.get("remedy", "")),
        str(params.get("field", "")),
    )


def _gone() -> ProtocolError:
    return ProtocolError(
        ErrorCode.ENGINE_DIED,
        "The server has gone.",
        "Start it again: accepted jobs are resumed. `takebridge jobs` lists them.",
    )
