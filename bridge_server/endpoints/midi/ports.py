"""MIDI inputs: this machine's ports through python-rtmidi, virtual ones, and MIDI over TCP on this machine.

`mido` speaks MIDI and is always there; python-rtmidi, which speaks to the system, is optional. Nothing but this and
`rtmidi_input` knows either.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import mido

from bridge_server.endpoints.midi.rtmidi_input import RtmidiInput
from daw_protocol.errors import ErrorCode, ProtocolError

log = logging.getLogger(__name__)

RTMIDI = "mido.backends.rtmidi"
VIRTUAL = "virtual:"
TCP = "tcp:"
LOOPBACK = "127.0.0.1"
STATUS_BYTES = 0x80
# Parsed in one go: mido takes some 8 microseconds a byte, and the loop has others to serve.
PIECE_BYTES = 512
# Without a complete message: what no device dumps.
MAX_UNFINISHED_BYTES = 2**18
# rtmidi does not report unplugged devices: the list of inputs is polled at this interval.
LOOK_SECONDS = 1.0

OnMessage = Callable[[Any, float], None]
"""Called on the event loop with a mido message and the moment it came, in seconds of time.perf_counter."""

OnPlugged = Callable[[bool], None]
"""Called on the event loop: False when what sent MIDI has gone, True when it is there (again)."""


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
            "MIDI needs the package python-rtmidi, which is not installed.",
            "pip install 'takebridge[midi]'",
            "midi-in",
        )
    return ProtocolError(
        ErrorCode.ENGINE_NOT_READY,
        f"MIDI is not available on this system: {str(error).strip().rstrip('.') or type(error).__name__}.",
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
        "`takebridge midi list` shows them; tcp:PORT and virtual:NAME make one.",
        "midi-in",
    )


@contextlib.asynccontextmanager
async def open_input(port: str, receive: OnMessage, plugged: OnPlugged) -> AsyncIterator[str]:
    """Reads a MIDI input for as long as the block lasts; yields its name.

    port: a port's name or a part of it, `virtual:NAME` for one that other programs may connect to, or `tcp:PORT` for
    MIDI over TCP on this machine (as mido.sockets sends it; 0: any free port). An unplugged device is
    reported, and opened again when it is back. Raises ProtocolError.
    """
    if port.startswith(TCP):
        opened = tcp_input(port.removeprefix(TCP), receive, plugged)
    elif port.startswith(VIRTUAL):
        opened = virtual_input(port.removeprefix(VIRTUAL), receive)
    else:
        opened = system_input(port, receive, plugged)
    async with opened as name:
        yield name


def opened_port(name: str, receive: OnMessage, virtual: bool) -> Any:
    """An open port, whose messages go to the running event loop. Raises ProtocolError."""
    loop = asyncio.get_running_loop()

    def callback(message: Any) -> None:
        # In the input's thread: the moment counts now, before the loop gets round to it.
        with contextlib.suppress(RuntimeError):  # the loop has closed
            loop.call_soon_threadsafe(receive, message, time.perf_counter())

    try:
        backend = mido.Backend()
        if backend.name == RTMIDI:
            return RtmidiInput(name, virtual, callback, backend.api)
        return backend.open_input(name, virtual=virtual, callback=callback)
    except Exception as error:  # rtmidi's own kinds, as above
        raise no_midi(error) from error


@contextlib.asynccontextmanager
async def virtual_input(name: str, receive: OnMessage) -> AsyncIterator[str]:
    """A new port that other programs may connect to. Raises ProtocolError."""
    with contextlib.closing(opened_port(name, receive, virtual=True)):
        yield name


@contextlib.asynccontextmanager
async def system_input(port: str, receive: OnMessage, plugged: OnPlugged) -> AsyncIterator[str]:
    """One of this machine's ports. Raises ProtocolError."""
    device = Device(port, receive, plugged)
    device.open(await asyncio.to_thread(input_names))  # it asks the system, which may take a while
    watching = asyncio.create_task(device.watch())
    try:
        yield device.name
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        device.close()


class Device:
    """An input of this machine that may be unplugged and come back. wanted: its name, or a part of it."""

    def __init__(self, wanted: str, receive: OnMessage, plugged: OnPlugged) -> None:
        self.name = ""
        self._wanted = wanted
        self._receive = receive
        self._plugged = plugged
        self._port: Any = None

    def open(self, names: list[str]) -> None:
        """Opens the one input that is wanted out of those there are. Raises ProtocolError."""
        name = chosen(self._wanted, names)
        self._port = opened_port(name, self._receive, virtual=False)
        self.name = name

    def close(self) -> None:
        """Does nothing when it is closed already."""
        port, self._port = self._port, None
        if port is not None:
            port.close()

    async def watch(self) -> None:
        """Reports when the device disappears and opens it when it is back, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                names = await asyncio.to_thread(input_names)
            except ProtocolError:
                names = []  # the system's MIDI itself has gone, such as a JACK server
            if self._port is not None and self.name in names:
                continue
            # Gone; or back under another number, as ALSA and Windows count them.
            was_there = self._port is not None
            self.close()
            try:
                self.open(names)
            except ProtocolError:
                if was_there:
                    self._plugged(False)
            else:
                self._plugged(True)


@contextlib.asynccontextmanager
async def tcp_input(port: str, receive: OnMessage, plugged: OnPlugged) -> AsyncIterator[str]:
    """MIDI bytes over TCP, from this machine only. Raises ProtocolError when the port is taken."""
    loop = asyncio.get_running_loop()
    inlet = Inlet(receive, plugged)
    if not (port.isascii() and port.isdigit() and int(port[:6]) < 65536):
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE,
            f"{port!r} is not a TCP port.",
            "Write tcp:9126, or tcp:0 for any.",
            "midi-in",
        )
    try:
        server = await loop.create_server(lambda: MidiBytes(inlet), LOOPBACK, int(port))
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
        for transport in tuple(inlet.connected):
            transport.abort()


@dataclass
class Inlet:
    """What all connections to one TCP port share.

    connected: all of them, while they last; senders: those that MIDI has come by.
    """

    receive: OnMessage
    plugged: OnPlugged
    connected: set[asyncio.Transport] = field(default_factory=set)
    senders: set[asyncio.Transport] = field(default_factory=set)


class MidiBytes(asyncio.Protocol):
    """One TCP connection that MIDI comes by."""

    def __init__(self, inlet: Inlet) -> None:
        self._inlet = inlet
        self._parser = mido.Parser()
        self._transport: asyncio.Transport | None = None
        self._unfinished = 0  # bytes since the last complete message

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._inlet.connected.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        transport = cast(asyncio.Transport, self._transport)
        self._inlet.connected.discard(transport)
        if transport in self._inlet.senders:
            self._inlet.senders.discard(transport)
            if not self._inlet.senders:
                self._inlet.plugged(False)

    def data_received(self, data: bytes) -> None:
        moment = time.perf_counter()
        transport = cast(asyncio.Transport, self._transport)
        if transport not in self._inlet.senders:
            if data[0] < STATUS_BYTES:
                # Text, such as a web page's attempt to reach a local port: MIDI begins with a status byte.
                transport.abort()
                return
            self._inlet.senders.add(transport)
            self._inlet.plugged(True)
        transport.pause_reading()
        self._parse(memoryview(data), moment)

    def _parse(self, data: memoryview, moment: float) -> None:
        """Reads one piece, and has the loop call again for the next; then more bytes may come."""
        transport = cast(asyncio.Transport, self._transport)
        if transport not in self._inlet.connected:
            return  # it has been cut off
        self._parser.feed(data[:PIECE_BYTES])
        self._unfinished += len(data[:PIECE_BYTES])
        for message in self._parser:
            self._unfinished = 0
            self._inlet.receive(message, moment)
        if self._unfinished > MAX_UNFINISHED_BYTES:
            log.warning("MIDI over TCP: a message of more than %d bytes; disconnected", MAX_UNFINISHED_BYTES)
            transport.abort()
        elif rest := data[PIECE_BYTES:]:
            asyncio.get_running_loop().call_soon(self._parse, rest, moment)
        else:
            transport.resume_reading()
