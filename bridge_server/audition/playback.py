"""One sound device that plays: a thread keeps the ring filled ahead of it, and switches are written over what is ahead.

What is heard changes within a few blocks of the device although several tenths of a second are filled: the filled
part behind the switch is written anew, faded in from what was there.
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

# Filled ahead of the device: what a busy machine may keep the filler waiting without being heard.
AHEAD_SECONDS = 0.4
CAPACITY_SECONDS = 2.0
# The filler looks this often; it fills in pieces, so that a switch never waits for more than one of them.
STEP_SECONDS = 0.02
PIECE_FRAMES = 2048
# A switch begins so far ahead of the device that it is written before the device gets there: two of its blocks
# and the time to write.
SPARE_SECONDS = 0.015
SPARE_BLOCKS = 2

Take = Callable[[Samples, bool], None]
MakeReader = Callable[[int], LoopReader | None]
"""The voice that begins at this frame of the output; None = silence."""


class Outlet(Protocol):
    """An opened sound device. latency: seconds from its callback to the ear, as it says itself."""

    name: str
    rate: int
    channels: int
    latency: float

    def start(self, take: Take) -> None:
        """Calls `take(block, ran_dry)` whenever it needs [frames, channels] to play."""
        ...

    def close(self, at_once: bool) -> None:
        """Stops, at once or after what it holds has been heard; `take` is not called any more."""
        ...

    @property
    def lost(self) -> bool:
        """Whether it has stopped of itself: unplugged, switched off, taken away."""
        ...


@dataclass(frozen=True)
class Switch:
    """One change of what is heard. frame: of the output where it begins; taken: the device was there when it was asked
    for; late: the device had passed `frame` before all was written."""

    frame: int
    taken: int
    late: bool = False


class Heard(NamedTuple):
    """frame: of the output, is heard at `when`, in seconds of time.perf_counter."""

    frame: float
    when: float


class Playback:
    """Everything between voices and one device. Methods may be called from any thread, `switch` takes milliseconds."""

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.output_mix = OutputMix(outlet.rate, outlet.channels)
        self.ring_buffer = RingBuffer(round(CAPACITY_SECONDS * outlet.rate), outlet.channels)
        self.switches: deque[Switch] = deque(maxlen=256)
        self.failed = False
        self._lock = threading.Lock()  # between the filler and `switch`; the device's callback knows of none
        self._closing = threading.Event()
        self._filler = threading.Thread(target=self._keep_filled, name="audition", daemon=True)

    def begin(self, make: MakeReader) -> None:
        """Fills the ring and starts the device. Raises what the device raises."""
        self.output_mix.switch(0, make(0))
        self._fill()
        self.outlet.start(self.ring_buffer.take_into)
        self._filler.start()

    def switch(self, make: MakeReader) -> Switch:
        """Changes what is heard, as soon as that can be done without a gap."""
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
                spare *= 2  # the machine was busy: the device is there already, begin further ahead
            self.ring_buffer.put(frame, block)
            done = Switch(frame, asked_at, late=self.ring_buffer.taken > frame)
            self.switches.append(done)
        return done

    def _warm(self, make: MakeReader) -> None:
        """Has soxr do its work before the filler is kept waiting."""
        frame = self.ring_buffer.taken + self._spare()
        reader = make(frame)
        if reader is not None:
            reader.read(frame, self._ahead())

    def close(self, at_once: bool = False) -> None:
        """Stops; the device is given back. Not at once: when it has played what it was given."""
        self._closing.set()
        if self._filler.is_alive():
            self._filler.join()
        self.outlet.close(at_once or self.outlet.lost)

    @property
    def underruns(self) -> int:
        """How often samples were missing, by our count or the device's."""
        return int(self.ring_buffer.counts[Count.UNDERRUNS] + self.ring_buffer.counts[Count.DEVICE])

    def heard(self) -> Heard:
        """What is at the ear now, as well as the device's own word on its latency allows."""
        stamp, frames = self.ring_buffer.stamp.tolist()
        now = time.perf_counter()
        if stamp == 0.0:
            return Heard(0.0, now)
        frame = frames + (now - stamp - self.outlet.latency) * self.outlet.rate
        return Heard(max(0.0, min(frame, float(self.ring_buffer.taken))), now)

    def silent_for(self) -> float:
        """Seconds since the device last asked for samples."""
        stamp = float(self.ring_buffer.stamp[0])
        return time.perf_counter() - stamp if stamp else 0.0

    def _keep_filled(self) -> None:
        try:
            while not self._closing.wait(STEP_SECONDS):
                self._fill()
        except Exception:  # a bug here must end the playback in order, not leave it silent for ever
            log.exception("the audition's filler met a bug")
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
