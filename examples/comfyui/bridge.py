"""The Takebridge server over its WebSocket: JSON-RPC 2.0, sound up and down in binary frames."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

TERMINAL = ("done", "failed", "cancelled")
CHUNK = 1 << 20
LISTENING_SECONDS = 0.25  # between two looks at whether the run was interrupted
TOKEN = "TAKEBRIDGE_TOKEN"
"""Where the token comes from: a node's own values are saved with every workflow and in every picture of one."""


class BridgeError(RuntimeError):
    """What went wrong and what to do, in the server's own words; ComfyUI shows it on the node."""


class Bridge:
    """One connection. Notifications that come while a call is answered are kept in order."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._kept: list[tuple[str, dict[str, Any]]] = []
        self._frames: list[bytes] = []

    def call(self, method: str, **params: Any) -> Any:
        """The result of a method. Raises BridgeError."""
        number = next(self._numbers)
        self._send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
        while True:
            message = self._message(None)
            if message is None or message.get("id") != number or "method" in message:
                continue
            if "error" in message:
                error = message["error"]
                raise _error(error["message"], error.get("data", {}).get("remedy", ""))
            return message["result"]

    def upload(self, data: bytes, name: str) -> str:
        """The source that a file has become. Raises BridgeError."""
        digest = hashlib.sha256(data).hexdigest()
        own = f"comfyui-{digest[:8]}"
        self.call("upload.begin", id=own, name=name, size=len(data), sha256=digest)
        for first in range(0, len(data), CHUNK):
            self._send(data[first : first + CHUNK])
        while True:
            what, params = self._notification(None)
            if params.get("id") == own:
                _refuse_failure(what, params)
                return str(params["text"])

    def render(
        self, task: str, progress: Callable[[float], None], check: Callable[[], None], **params: Any
    ) -> list[dict[str, Any]]:
        """The takes of a render, in order. check: raises once the run is interrupted; the job is cancelled then.

        Raises BridgeError, and what `check` raises.
        """
        job = self.call(task, **params)["job"]
        takes: list[dict[str, Any]] = []
        try:
            while True:
                check()
                what, values = self._notification(LISTENING_SECONDS)
                if values.get("job") != job:
                    continue
                if what == "progress":
                    progress(values["fraction"])
                elif what == "take":
                    takes.append(values)
                elif what in TERMINAL:
                    _refuse_failure(what, values)
                    progress(1.0)
                    return takes
        except BaseException:
            with contextlib.suppress(BridgeError):  # it may be over, or the server gone
                self.call("cancel", job=job)
            raise

    def fetch(self, take: str, what: str) -> bytes:
        """A file of a take. Raises BridgeError."""
        left = self.call("takes.fetch", take=take, what=what)["bytes"]
        parts: list[bytes] = []
        while left > 0:
            if not self._frames:
                self._message(None)
                continue
            parts.append(self._frames.pop(0))
            left -= len(parts[-1])
        return b"".join(parts)

    def _notification(self, seconds: float | None) -> tuple[str, dict[str, Any]]:
        """The next one: its name and values; ("", {}) where none came in that time, None: however long it takes."""
        while not self._kept:
            if self._message(seconds) is None and seconds is not None:
                return "", {}
        return self._kept.pop(0)

    def _message(self, seconds: float | None) -> dict[str, Any] | None:
        """The next message, kept if it is a notification; None for sound, and where none came in that time."""
        try:
            frame = self._connection.recv(seconds)
        except TimeoutError:
            return None
        except ConnectionClosed as error:
            raise _gone() from error
        if isinstance(frame, bytes):
            self._frames.append(frame)
            return None
        message: dict[str, Any] = json.loads(frame)
        if "method" in message:
            self._kept.append((message["method"], message["params"]))
        return message

    def _send(self, frame: str | bytes) -> None:
        try:
            self._connection.send(frame)
        except ConnectionClosed as error:
            raise _gone() from error


@contextlib.contextmanager
def connected(server: str) -> Iterator[Bridge]:
    """A connection for as long as the block lasts. server: "127.0.0.1:9125". Raises BridgeError."""
    token = os.environ.get(TOKEN, "")
    query = "?client=comfyui" + (f"&token={quote(token, safe='')}" if token else "")
    address = f"ws://{server.strip()}/{query}"
    try:
        connection = connect(address, max_size=None, compression=None, open_timeout=10, proxy=None)
    except (
        Exception
    ) as error:  # refused, no address at all, no WebSocket there: one thing to do about all of them
        raise BridgeError(
            f"No Takebridge server answers at {server}. Start one with `takebridge serve`, or enter its address."
        ) from error
    with connection:
        yield Bridge(connection)


def _refuse_failure(name: str, values: dict[str, Any]) -> None:
    if name == "failed":
        raise _error(values.get("sentence", "The render failed."), values.get("remedy", ""))
    if name == "cancelled":
        raise BridgeError("The render was cancelled by another program.")


def _error(sentence: str, remedy: str) -> BridgeError:
    return BridgeError(" ".join(part for part in (sentence, remedy) if part))


def _gone() -> BridgeError:
    return BridgeError("The Takebridge server has gone. Start it again, then queue the workflow again.")
