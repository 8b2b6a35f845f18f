"""One open sound device: a thread keeps the ring buffer filled ahead of it, and switches overwrite what is ahead.

A switch is audible within a few blocks of the device although several tenths of a second are filled: the filled part
after the switch is written again, faded in from what was there.

Three threads meet here. The filler, owned by this class, reads the output mix and writes the ring buffer; the audition
thread (see controller.py) calls `begin`, `switch` and `close`; both hold the lock while they write. PortAudio's
callback thread only copies from the ring buffer: it takes no lock and allocates nothing, because a device that waits
drops out. `audible`, `silent_for` and `underruns` only read counters and may be called from any thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from bridge_server.audition.layered_audio import Samples
from bridge_server.audition.loop_reader import LoopReader
from bridge_server.audition.output_mix import OutputMix
from bridge_server.audition.ring_buffer import Count, RingBuffer

log = logging.getLogger(__name__)

# Filled ahead of the device: a busy machine may hold up the filler for this long without a dropout.
AHEAD_SECONDS = 0.4
CAPACITY_SECONDS = 2.0
# The filler runs this often; it fills in pieces, so that a switch never waits for more than one piece.
STEP_SECONDS = 0.02
PIECE_FRAMES = 2048
# A switch begins this far ahead of the device, so that it is written before the device gets there: two of its blocks
# and the time to write.
SPARE_SECONDS = 0.015
SPARE_BLOCKS = 2

PullSamples = Callable[[Samples, bool], None]
"""Fills a block [frames, channels]; the flag says whether the device has run dry since the last one."""

MakeReader = Callable[[int], LoopReader | None]
"""The reader that begins at this frame of the output; None = silence."""


class Outlet(Protocol):
    """An open sound device. latency: output latency reported by the device, in seconds."""

    name: str
    rate: int
    channels: int
    latency: float

    def start(self, pull: PullSamples) -> None:
        """Calls `pull(block, ran_dry)` from a thread of its own whenever it needs samples."""
        ...

    def close(self, at_once: bool) -> None:
        """Stops, at once or after its buffer has played; `pull` is not called any more."""
        ...

    @property
    def lost(self) -> bool:
        """Whether it stopped by itself: unplugged, switched off, taken over."""
        ...


@dataclass(frozen=True)
class Switch:
    """One change of the output.

    frame: of the output, where it begins.
    taken: frames the device had taken when the switch was requested.
    late:  whether the device passed `frame` before everything was written.
    """

    frame: int
    taken: int
    late: bool = False


class AudibleFrame(NamedTuple):
    """The frame of the output that is audible at `when`, in seconds of time.perf_counter."""

    frame: float
    when: float


class Playback:
    """Everything between loop readers and one device. `switch` takes milliseconds; `close` waits for the buffer."""

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.output_mix = OutputMix(outlet.rate, outlet.channels)
        self.ring_buffer = RingBuffer(round(CAPACITY_SECONDS * outlet.rate), outlet.channels)
        self.switches: deque[Switch] = deque(maxlen=256)
        self.failed = False
        self._lock = threading.Lock()  # between the filler and `switch`; the device's callback never takes it
        self._closing = threading.Event()
        self._filler = threading.Thread(target=self._keep_filled, name="audition", daemon=True)

    def begin(self, make: MakeReader) -> None:
        """Fills the ring buffer and starts the device. Raises what the device raises."""
        self.output_mix.switch(0, make(0))
        self._fill()
        self.outlet.start(self.ring_buffer.take_into)
        self._filler.start()

    def switch(self, make: MakeReader) -> Switch:
        """Switches to another reader, as soon as that is possible without a gap."""
        self._warm(make)
        with self._lock:
            asked_at = self.ring_buffer.taken
            spare = self._spare()
            while True:
                frame = min(
                    max(self.ring_buffer.taken + spare, self.output_mix.switched), self.ring_buffer.filled
                )
                self.output_mix.switch(frame, make(frame))
                block = self.output_mix.read(frame, max(self.ring_buffer.filled - frame, PIECE_FRAMES))
                if self.ring_buffer.taken < frame or spare > self.ring_buffer.capacity // 2:
                    break
                spare *= 2  # the machine was busy and the device is there already: begin further ahead
            self.ring_buffer.put(frame, block)
            done = Switch(frame, asked_at, late=self.ring_buffer.taken > frame)
            self.switches.append(done)
        return done

    def _warm(self, make: MakeReader) -> None:
        """Resamples the first part before the lock is taken, so that the filler need not wait for soxr."""
        frame = self.ring_buffer.taken + self._spare()
        reader = make(frame)
        if reader is not None:
            reader.read(frame, self._ahead())

    def close(self, at_once: bool = False) -> None:
        """Stops and closes the device; unless `at_once`, after its buffer has played."""
        self._closing.set()
        if self._filler.is_alive():
            self._filler.join()
        self.outlet.close(at_once or self.outlet.lost)

    @property
    def underruns(self) -> int:
        """How often samples were missing, by our count or the device's."""
        return int(self.ring_buffer.counts[Count.UNDERRUNS] + self.ring_buffer.counts[Count.DEVICE])

    def audible(self) -> AudibleFrame:
        """The frame audible now, as precisely as the latency the device reports."""
        stamp, frames = self.ring_buffer.stamp.tolist()
        now = time.perf_counter()
        if stamp == 0.0:
            return AudibleFrame(0.0, now)
        frame = frames + (now - stamp - self.outlet.latency) * self.outlet.rate
        return AudibleFrame(max(0.0, min(frame, float(self.ring_buffer.taken))), now)

    def silent_for(self) -> float:
        """Seconds since the device last pulled samples."""
        stamp = float(self.ring_buffer.stamp[0])
        return time.perf_counter() - stamp if stamp else 0.0

    def _keep_filled(self) -> None:
        try:
            while not self._closing.wait(STEP_SECONDS):
                self._fill()
        except Exception:  # a bug here must end playback properly, not leave it silent for ever
            log.exception("The audition's filler failed")
            self.failed = True

    def _fill(self) -> None:
        while not self._closing.is_set():
            with self._lock:
                filled = self.ring_buffer.filled
                missing = self.ring_buffer.taken + self._ahead() - filled
                if missing <= 0:
                    return
                self.ring_buffer.put(filled, self.output_mix.read(filled, min(missing, PIECE_FRAMES)))

    def _ahead(self) -> int:
        return max(round(AHEAD_SECONDS * self.outlet.rate), 4 * int(self.ring_buffer.counts[Count.LARGEST]))

    def _spare(self) -> int:
        blocks = SPARE_BLOCKS * int(self.ring_buffer.counts[Count.LARGEST])
        return blocks + round(SPARE_SECONDS * self.outlet.rate)
