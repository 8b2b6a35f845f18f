"""An agent's session with the running server: one connection for all its tools, made again when the server was.

Everything runs on the event loop. One task reads the connection's notifications and lays each one into the queue of its
job; whoever waits for that job reads it there, so that renders side by side do not take each other's. The first ones
may be read before their job's caller runs again, so those of jobs that nobody waits for are kept for a moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from bridge_server.cli.client import TERMINAL, BridgeClient, Notification, as_error, connected
from bridge_server.cli.mcp_tools import WAIT, AgentTool, ToolKind
from bridge_server.cli.running import server_on
from bridge_server.rendering.receipts import in_words
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Flag
from daw_protocol.take_results import TakeWithRecipe

OnProgress = Callable[[float, str], Awaitable[None]]
"""Is given the part that is done, 0 to 1, and the stage."""

MAX_RECEIPTS = 16
"""Takes of one render that are described in full; takes_show has the others."""
MAX_EARLY = 256
LAST_SECONDS = 2.0
GONE = "gone"
LONG = ("export", "takes.rank", "takes.words", "store.verify")
"""Requests that are no jobs, take long, tell their progress and can be cancelled."""


class AgentSession:
    """The connection to the server that runs on a store. Use it in `async with`."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._connecting = asyncio.Lock()
        self._open = contextlib.AsyncExitStack()
        self._client: BridgeClient | None = None
        self._reader: asyncio.Task[None] | None = None
        self._jobs: dict[str, asyncio.Queue[Notification]] = {}
        self._early: deque[Notification] = deque(maxlen=MAX_EARLY)
        self._cancelling: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> AgentSession:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._cancelling:  # an agent's program that ends has given up what it waited for
            await asyncio.wait(self._cancelling, timeout=LAST_SECONDS)
        await self._close()

    async def call(
        self, tool: AgentTool, arguments: Mapping[str, Any], progress: OnProgress
    ) -> dict[str, Any]:
        """What the tool returns. Raises ProtocolError, also when no server runs.

        When the caller is cancelled, so is the job, or what is LONG.
        """
        fields = tool.checked(arguments)
        waits = _waits(fields.pop(WAIT, True)) if tool.kind is ToolKind.RENDERING else False
        client = await self._connected()
        if tool.kind is not ToolKind.RENDERING and tool.command.name not in LONG:
            return dict(await client.call(tool.command.name, **fields))
        name = f"agent-{secrets.token_hex(6)}"  # so that it can be cancelled before its job is known
        try:
            if tool.command.name in LONG:
                return await _long_answer(client, tool.command.name, {**fields, "id": name}, progress)
            answer = dict(await client.call(tool.command.name, **{**fields, "id": name}))
            return await self._outcome(client, answer, progress) if waits else answer
        except asyncio.CancelledError:
            self._cancel(client, name)
            raise

    async def _outcome(
        self, client: BridgeClient, answer: dict[str, Any], progress: OnProgress
    ) -> dict[str, Any]:
        """Waits for the job's end; its takes, with what their receipts say. Raises ProtocolError."""
        job = str(answer["job"])
        replies = self._replies_about(job)
        found: dict[str, Any] = {"job": job, "note": answer.get("note", ""), "takes": []}
        done = -1.0
        try:
            while True:
                name, values = await replies.get()
                if name == GONE:
                    raise as_error(values)
                if name == "progress" and values["fraction"] > done:  # MCP wants it to grow
                    done = values["fraction"]
                    await progress(done, values["stage"])
                elif name == "take":
                    found["takes"].append({field: given for field, given in values.items() if field != "id"})
                elif name == "analysed":
                    found["analysis"] = values
                elif name == "blueprint":
                    found.setdefault("blueprints", []).append(values)
                elif name == "failed":
                    raise as_error(values)
                elif name == "cancelled":
                    raise ProtocolError(
                        ErrorCode.CANCELLED, f"Job {job} was cancelled.", "Ask again for new takes."
                    )
                elif name in TERMINAL:
                    if done < 1.0:
                        await progress(1.0, name)
                    break
        finally:
            self._jobs.pop(job, None)
        for take in found["takes"][:MAX_RECEIPTS]:
            about = TakeWithRecipe.from_stored(await client.call("takes.show", take=take["take"]))
            take["receipt"] = list(in_words(about.receipt))
        return found

    def _replies_about(self, job: str) -> asyncio.Queue[Notification]:
        """The queue of a job's notifications, with those that have come already."""
        queue = self._jobs[job] = asyncio.Queue()
        for reply in self._early:
            if reply[1].get("job") == job:
                queue.put_nowait(reply)
        return queue

    def _cancel(self, client: BridgeClient, name: str) -> None:
        """In a task of its own: the caller's waits for nothing any more."""
        task = asyncio.get_running_loop().create_task(_cancelled(client, name))
        self._cancelling.add(task)
        task.add_done_callback(self._cancelling.discard)

    async def _connected(self) -> BridgeClient:
        """The connection, made where there is none or the server has gone. Raises ProtocolError."""
        async with self._connecting:
            if self._client is not None and self._reader is not None and not self._reader.done():
                return self._client
            await self._close()
            found = server_on(self._store)
            self._client = await self._open.enter_async_context(
                connected(found.host, found.websocket_port, found.token)
            )
            self._jobs.clear()
            self._early.clear()
            self._reader = asyncio.create_task(self._read(self._client))
            return self._client

    async def _read(self, client: BridgeClient) -> None:
        """Sorts notifications until the server has gone."""
        while True:
            try:
                reply = await client.next_reply()
            except ProtocolError as gone:
                values = {"code": gone.code.value, "sentence": gone.sentence, "remedy": gone.remedy}
                for queue in self._jobs.values():
                    queue.put_nowait((GONE, values))
                return
            wanted = self._jobs.get(str(reply[1].get("job", "")))
            if wanted is None:
                self._early.append(reply)
            else:
                wanted.put_nowait(reply)

    async def _close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        self._client = self._reader = None
        await self._open.aclose()
        self._open = contextlib.AsyncExitStack()


async def _long_answer(
    client: BridgeClient, method: str, fields: Mapping[str, Any], progress: OnProgress
) -> dict[str, Any]:
    """The answer. A task of its own passes the progress on, so that a slow agent never holds up the connection."""
    news: asyncio.Queue[tuple[float, str]] = asyncio.Queue()

    async def pass_on() -> None:
        done = -1.0
        while True:
            fraction, stage = await news.get()
            if fraction > done:  # MCP wants it to grow
                done = fraction
                await progress(fraction, stage)

    passing = asyncio.create_task(pass_on())
    try:
        return dict(await client.call_with_progress(method, lambda *at: news.put_nowait(at), **fields))
    finally:
        passing.cancel()
        await asyncio.gather(passing, return_exceptions=True)


async def _cancelled(client: BridgeClient, name: str) -> None:
    with contextlib.suppress(ProtocolError):  # it has ended, or never began
        await client.call("cancel", job=name)


def _waits(given: Any) -> bool:
    try:
        return Flag().read(given)
    except (TypeError, ValueError) as error:
        raise ProtocolError(
            ErrorCode.WRONG_TYPE, f"{WAIT}: {error}.", "It takes true or false.", WAIT
        ) from error
