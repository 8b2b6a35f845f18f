"""How far a workflow is, from ComfyUI's WebSocket: the step of the node that works. Progress only: what counts is asked
over HTTP, so a connection that breaks costs no take."""

from __future__ import annotations

import contextlib
import threading
from types import TracebackType
from typing import TYPE_CHECKING

from model.remote.address import ServerAddress
from model.remote.http_link import read_json

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

OPEN_SECONDS = 3.0
MOST_BYTES = 16 * 1024 * 1024  # previews of pictures come too


class ComfyEvents:
    """Follows one client's workflows in a thread of its own. Use it as a context."""

    def __init__(self, address: ServerAddress, token: str, client: str) -> None:
        self._url = f"ws{address.url.removeprefix('http')}/ws?clientId={client}"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._connection: ClientConnection | None = None
        self._closed = False
        self._step: tuple[int, int] | None = None

    def __enter__(self) -> ComfyEvents:
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        if self._connection is not None:
            threading.Thread(target=self._connection.close, daemon=True).start()

    @property
    def step(self) -> tuple[int, int] | None:
        """The step of the node that works now, and how many it has; None between nodes."""
        return self._step

    def _read(self) -> None:
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        with (
            contextlib.suppress(WebSocketException, OSError, TimeoutError),
            connect(
                self._url,
                additional_headers=self._headers,
                open_timeout=OPEN_SECONDS,
                close_timeout=1,
                max_size=MOST_BYTES,
                proxy=None,
            ) as connection,
        ):
            self._connection = connection
            if self._closed:
                return
            for message in connection:
                if isinstance(message, str):
                    self._take(message)

    def _take(self, message: str) -> None:
        with contextlib.suppress(ValueError, KeyError, TypeError, OverflowError):
            event = read_json(message)
            if event["type"] == "progress":
                most = max(1, int(event["data"]["max"]))
                self._step = min(most, max(0, int(event["data"]["value"]))), most
            elif event["type"] in ("executing", "execution_start"):
                self._step = None
