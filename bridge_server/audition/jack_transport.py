"""JACK's transport, polled several times a second through JACK-Client, which is imported when first needed.

JACK offers no notification of the transport's position, so a thread of its own polls it. Readings pass from there to
the event loop, which alone knows the rest of the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator
from fractions import Fraction

from bridge_server.audition.transport_sync import OnReading
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import Position
from daw_protocol.timeline.position import AtSeconds

READINGS_PER_SECOND = 20
INSTALL_JACK = "pip install 'takebridge[jack]'"


@contextlib.asynccontextmanager
async def jack_transport(_port: str, on_reading: OnReading) -> AsyncIterator[None]:
    """Reads JACK's transport for as long as the block lasts. Raises ProtocolError if no JACK server runs."""
    loop = asyncio.get_running_loop()

    def report(when: float, position: Position, rolling: bool) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed
            loop.call_soon_threadsafe(on_reading, when, position, rolling)

    reader = await asyncio.to_thread(JackReader, report)
    try:
        yield
    finally:
        await asyncio.to_thread(reader.close)


class JackReader:
    """A JACK client and the thread that polls it."""

    def __init__(self, on_reading: OnReading) -> None:
        """on_reading: called in the polling thread. Raises ProtocolError. Slow, for a thread."""
        try:
            import jack

            self._jack = jack
            self._client = jack.Client("takebridge", no_start_server=True)
        except ImportError as error:
            raise ProtocolError(
                ErrorCode.NO_DEVICE,
                "Following JACK needs the Python package JACK-Client, which is not installed.",
                f"{INSTALL_JACK}.",
                "what",
            ) from error
        except Exception as error:  # OSError without libjack; JackOpenError, which cannot be named without it
            raise ProtocolError(
                ErrorCode.NO_DEVICE,
                f"JACK cannot be reached: {str(error).strip().rstrip('.')}.",
                "Start JACK (or PipeWire's JACK), or follow the DAW over OSC instead (/bridge/transport).",
                "what",
            ) from error
        self._on_reading = on_reading
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="jack transport", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Waits for the thread to end."""
        self._closing.set()
        self._thread.join()
        self._client.close()

    def _poll(self) -> None:
        rate = int(self._client.samplerate)
        while not self._closing.wait(1 / READINGS_PER_SECOND):
            when = time.perf_counter()
            # transport_frame is the position at this moment, between JACK's periods; transport_query is not.
            frame, state = int(self._client.transport_frame), self._client.transport_state
            self._on_reading(when, AtSeconds(Fraction(frame, rate)), state == self._jack.ROLLING)
