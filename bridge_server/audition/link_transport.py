"""Ableton Link: tempo, bar and start of a session on the network, polled through LinkPython-extern.

Link shares the tempo, where in the bar everyone is, and whether they play; it does not share where in the song anyone
is. So the song begins at its zero on the first bar line after a start, as Link programs do it among each other. The
bridge only listens: it never changes the session's tempo, beat or start.

A thread of its own polls; readings pass from there to the event loop. The package is imported when first needed.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from bridge_server.audition.transport_sync import OnReading
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline.position import AtQuarters

READINGS_PER_SECOND = 20
QUANTUM = 4.0  # quarter notes to Link's bar, as nearly every Link program has it
FIRST_BPM = 120.0  # of a session of one; nobody gets it
MICRO = 1_000_000  # Link counts time and beats in millionths
INSTALL_LINK = "pip install 'takebridge[link]'"


@dataclass(frozen=True)
class LinkReading:
    """The session at one moment.

    when: in seconds of time.perf_counter; quarters: since the start, negative before its bar line.
    """

    when: float
    quarters: Fraction
    rolling: bool
    bpm: float


OnLinkReading = Callable[[LinkReading], None]


class LinkReader:
    """One peer of the session and the thread that polls it."""

    def __init__(self, on_reading: OnLinkReading) -> None:
        """on_reading: called in the polling thread, only while there are other peers, and once when they have gone.

        Raises ProtocolError without the package.
        """
        try:
            import link
        except ImportError as error:
            raise ProtocolError(
                ErrorCode.NO_DEVICE,
                "Ableton Link needs the Python package LinkPython-extern, which is not installed.",
                f"{INSTALL_LINK}.",
                "what",
            ) from error
        self._link = link.Link(FIRST_BPM)
        self._link.startStopSyncEnabled = True
        self._link.enabled = True
        self._on_reading = on_reading
        self._origin: float | None = None  # the beat of this peer on which the song began
        self._started = 0
        self._alone = True
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="Ableton Link", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leaves the session; waits for the thread to end."""
        self._closing.set()
        self._thread.join()
        self._link.enabled = False

    def _poll(self) -> None:
        while not self._closing.wait(1 / READINGS_PER_SECOND):
            alone = self._link.numPeers() == 0
            if not (alone and self._alone):
                self._on_reading(self._read(alone))
            self._alone = alone

    def _read(self, alone: bool) -> LinkReading:
        state = self._link.captureAppSessionState()
        # Both clocks at one moment: Link's own may be another one of the system.
        when, now = time.perf_counter(), self._link.clock().micros()
        playing = state.isPlaying() and not alone
        beats = self._since_start(state, now) if playing else 0.0
        if not playing:
            self._origin = None
        quarters = Fraction(round(beats * MICRO), MICRO)
        return LinkReading(when, quarters, playing and quarters >= 0, round(state.tempo(), 2))

    def _since_start(self, state: Any, now: int) -> float:
        """Beats since the first bar line at or after the session's start."""
        started = state.timeForIsPlaying()
        if self._origin is None or started != self._started:
            start = state.beatAtTime(started, QUANTUM)
            self._origin = math.ceil(start / QUANTUM - 1 / MICRO) * QUANTUM
            self._started = started
        return float(state.beatAtTime(now, QUANTUM)) - self._origin


@contextlib.asynccontextmanager
async def link_session(on_reading: OnLinkReading) -> AsyncIterator[None]:
    """Readings on the event loop, for as long as the block lasts. Raises ProtocolError."""
    loop = asyncio.get_running_loop()

    def report(reading: LinkReading) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed
            loop.call_soon_threadsafe(on_reading, reading)

    reader = await asyncio.to_thread(LinkReader, report)
    try:
        yield
    finally:
        await asyncio.to_thread(reader.close)


@contextlib.asynccontextmanager
async def link_transport(_port: str, on_reading: OnReading) -> AsyncIterator[None]:
    """The session as a transport that the audition follows. Raises ProtocolError."""

    def report(reading: LinkReading) -> None:
        on_reading(reading.when, AtQuarters(max(Fraction(0), reading.quarters)), reading.rolling)

    async with link_session(report):
        yield
