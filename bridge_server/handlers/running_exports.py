"""Exports being written, by the request that started each, so that `cancel` finds them.

The event loop adds, cancels and forgets; the thread that writes only reads its own export's mark.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from threading import Event

from bridge_server.sessions.client import Client
from daw_protocol.errors import ErrorCode, ProtocolError


class RunningExport:
    """An export being written."""

    def __init__(self, id: str, client: Client, name: str = "", format: str = "") -> None:
        """name: of the take or song; format: of the file."""
        self.id = id
        self.client = client
        self.name = name
        self.format = format
        self._cancelled = Event()

    def cancel(self) -> None:
        """Ends it at its next check; it leaves no file."""
        self._cancelled.set()

    def check(self) -> None:
        """For the thread that writes. Raises ProtocolError once it is cancelled."""
        if self._cancelled.is_set():
            raise ProtocolError(
                ErrorCode.CANCELLED,
                "The export was cancelled; no file was written.",
                "Export again to get the file.",
            )


class RunningExports:
    """All exports being written. Lives on the event loop."""

    def __init__(self) -> None:
        self._running: list[RunningExport] = []

    def __iter__(self) -> Iterator[RunningExport]:
        """In the order they were begun."""
        return iter(tuple(self._running))

    @contextlib.contextmanager
    def begun(self, id: str, client: Client, name: str = "", format: str = "") -> Iterator[RunningExport]:
        """Notes an export until the block ends; a block that is left early cancels it."""
        export = RunningExport(id, client, name, format)
        self._running.append(export)
        try:
            yield export
        finally:
            export.cancel()  # when the server stops, the thread is still writing
            self._running.remove(export)

    def of_client(self, id: str, client: Client) -> RunningExport | None:
        """The export this client asked for under this id, the newest of several."""
        return self._newest(export for export in self._named(id) if export.client.sender == client.sender)

    def of_machine(self, id: str, client: Client) -> RunningExport | None:
        """As `of_client`, of any program on the client's machine: messages typed one by one come from other ports."""
        return self._newest(export for export in self._named(id) if export.client.key == client.key)

    def of_anyone(self, id: str) -> RunningExport | None:
        """The only export under this id, whoever asked for it: `status` names it to everybody."""
        found = list(self._named(id))
        return found[0] if len(found) == 1 else None

    def _named(self, id: str) -> Iterator[RunningExport]:
        return (export for export in reversed(self._running) if export.id == id)

    @staticmethod
    def _newest(found: Iterator[RunningExport]) -> RunningExport | None:
        return next(found, None)


def new_id() -> str:
    """The id of an export whose request had none: nobody else's."""
    return f"x{secrets.token_hex(5)}"
