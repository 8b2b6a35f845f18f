"""MIDI inputs: this machine's ports through python-rtmidi, virtual ones, and MIDI over TCP on this machine.

`mido` speaks MIDI and is always there; python-rtmidi, which speaks to the system, is optional. Nothing else here
knows either.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import mido

from daw_protocol.errors import ErrorCode, ProtocolError

VIRTUAL = "virtual:"
TCP = "tcp:"
LOOPBACK = "127.0.0.1"
STATUS_BYTES = 0x80

OnMessage = Callable[[Any, float], None]
"""Called on the event loop with a mido message and the moment it came, in seconds of time.perf_counter."""


def input_names() -> list[str]:
    """The machine's MIDI inputs. Raises ProtocolError when MIDI cannot be used here."""
    try:
        return list(mido.Backend().get_input_names())
    except Exception as error:  # rtmidi's own kinds are not importable without it
        raise no_midi(error) from error


def no_midi(error: Exception) -> ProtocolError:
    """Why there is no MIDI, and what to do."""
    if isinstance(error, ImportError):
        return ProtocolError(
            ErrorCode.ENGINE_NOT_READY,
            "MIDI needs python-rtmidi, which is not installed.",
            "pip install 'ace-bridge[midi]'",
            "midi-in",
        )
    return ProtocolError(
        ErrorCode.ENGINE_NOT_READY,
        f"The system's MIDI cannot be used: {str(error).strip().rstrip('.') or type(error).__name__}.",
        "On Linux /dev/snd/seq must be there (modprobe snd-seq), or set MIDO_BACKEND=mido.backends.rtmidi/UNIX_JACK.",
        "midi-in",
    )


def chosen(wanted: str, names: list[str]) -> str:
    """The one port of this name, or with this in its name. Raises ProtocolError."""
    close = [name for name in names if wanted.lower() in name.lower()]
    found = [name for name in names if name == wanted] or close
    if len(found) == 1:
        return found[0]
    there = ", ".join(map(repr, close or names)) or "none"
    many = "could be several MIDI inputs" if close else "is no MIDI input"
    raise ProtocolError(
        ErrorCode.OUT_OF_RANGE,
        f"{wanted!r} {many}; there are: {there}.",
        "`ace-bridge midi list` shows them; tcp:PORT and virtual:NAME make one.",
        "midi-in",
    )


@contextlib.asynccontextmanager
async def open_input(port: str, hear: OnMessage) -> AsyncIterator[str]:
    """Hears a MIDI input for as long as the block lasts; yields its name.

    port: a port's name or a part of it, `virtual:NAME` for one that other programs may connect to, or `tcp:PORT` for
    MIDI over TCP on this machine (as mido.sockets sends it; 0: any free port). Raises ProtocolError.
    """
    opened = tcp_input(port.removeprefix(TCP), hear) if port.startswith(TCP) else system_input(port, hear)
    async with opened as name:
        yield name


@contextlib.asynccontextmanager
async def system_input(port: str, hear: OnMessage) -> AsyncIterator[str]:
    """One of this machine's ports, or a new virtual one. Raises ProtocolError."""
    loop = asyncio.get_running_loop()

    def callback(message: Any) -> None:
        # In rtmidi's thread: the moment counts now, before the loop gets round to it.
        with contextlib.suppress(RuntimeError):  # the loop has closed
            loop.call_soon_threadsafe(hear, message, time.perf_counter())

    virtual = port.startswith(VIRTUAL)
    name = port.removeprefix(VIRTUAL) if virtual else chosen(port, input_names())
    try:
        opened = mido.Backend().open_input(name, virtual=virtual, callback=callback)
    except Exception as error:  # as above
        raise no_midi(error) from error
    try:
        yield name
    finally:
        opened.close()


@contextlib.asynccontextmanager
async def tcp_input(port: str, hear: OnMessage) -> AsyncIterator[str]:
    """MIDI bytes from whoever connects, from this machine only. Raises ProtocolError when the port is taken."""
    loop = asyncio.get_running_loop()
    connected: set[asyncio.Transport] = set()
    if not (port.isascii() and port.isdigit() and int(port[:6]) < 65536):
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE,
            f"{port!r} is no TCP port.",
            "Write tcp:9126, or tcp:0 for any.",
            "midi-in",
        )
    try:
        server = await loop.create_server(lambda: MidiBytes(hear, connected), LOOPBACK, int(port))
    except OSError as error:
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            f"Port {port} for MIDI over TCP cannot be used: {error.strerror}.",
            "Choose another one, or tcp:0 for any.",
            "midi-in",
        ) from error
    try:
        yield f"{TCP}{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for transport in tuple(connected):
            transport.abort()


class MidiBytes(asyncio.Protocol):
    """One TCP connection that MIDI comes by. connected: where it is kept while it lasts."""

    def __init__(self, hear: OnMessage, connected: set[asyncio.Transport]) -> None:
        self._hear = hear
        self._connected = connected
        self._parser = mido.Parser()
        self._begun = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connected.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._connected.discard(cast(asyncio.Transport, self._transport))

    def data_received(self, data: bytes) -> None:
        moment = time.perf_counter()
        if not self._begun and data[0] < STATUS_BYTES:
            # Text, such as a web page's attempt to reach a local port: MIDI begins with a status byte.
            cast(asyncio.Transport, self._transport).abort()
            return
        self._begun = True
        self._parser.feed(data)
        for message in self._parser:
            self._hear(message, moment)
