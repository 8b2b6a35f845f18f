"""Follows a transport: takes its readings, compares them with what is audible, and decides when playback must move.

Lives on the event loop: readings arrive here, and decisions are made here, so that nothing needs a lock. What is
decided is an effect for the controller to run; the position it plays is a straight line in time, copied out of the
readings, because the audition thread and the filler compute it later.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from bridge_server.audition.commands import MIDI, NO_TRANSPORT, OSC
from bridge_server.audition.effects import AlignPlayback, MutePlayback
from bridge_server.audition.playback import AudibleFrame
from bridge_server.audition.player import Player
from bridge_server.audition.scene import PlaybackOptions, Scene
from bridge_server.audition.sync_offset import SyncOffset
from daw_protocol.timeline import Position

# A transport other than OSC reports many times a second (MIDI clock at 5 BPM twice): silent for longer, it has stopped.
PATIENCE_SECONDS = 0.5

OnReading = Callable[[float, Position, bool], None]
"""(when, position, rolling), when in seconds of time.perf_counter. Called on the event loop."""

OpenTransport = Callable[[str, OnReading], contextlib.AbstractAsyncContextManager[None]]
"""Reads a transport for as long as the block lasts; the text names its port. Entering raises ProtocolError."""


class TransportSync:
    """One transport at a time. scene: gives the tempo map and rate that positions are read with.

    transports: ways to read those that do not come over OSC, by name.
    """

    def __init__(self, player: Player, transports: Mapping[str, OpenTransport]) -> None:
        self._player = player
        self._transports = transports
        self.what = NO_TRANSPORT
        self.port = ""  # of MIDI, as the producer named it
        self.scene: Scene | None = None
        self._open = contextlib.AsyncExitStack()
        self._sync_offset: SyncOffset | None = None
        self._last: tuple[float, Position, bool] | None = None

    async def follow(self, what: str, port: str) -> None:
        """Reads another transport from now on. Raises ProtocolError; then the previous one stays."""
        if what == MIDI and (what, port) == (self.what, self.port):
            return  # some systems open an input only once

        def report(when: float, position: Position, rolling: bool) -> None:
            self.reading(what, when, position, rolling)

        async with contextlib.AsyncExitStack() as opening:
            if what in self._transports:
                await opening.enter_async_context(self._transports[what](port, report))
            opened = opening.pop_all()
        await self.close()
        self.what, self._open = what, opened
        self.port = port if what == MIDI else ""

    async def close(self) -> None:
        """Follows nothing."""
        opened, self._open = self._open, contextlib.AsyncExitStack()
        self.what, self.port, self._sync_offset, self._last = NO_TRANSPORT, "", None, None
        await opened.aclose()

    def reading(self, what: str, when: float, position: Position, rolling: bool) -> None:
        """The transport reported its position."""
        if what != self.what:
            return
        self._last = (when, position, rolling)
        scene = self.scene
        if scene is None:
            return
        try:
            sample = position.resolve(scene.tempo_map, scene.rate)
        except (ValueError, OverflowError):  # outside the range of the tempo map
            return
        if self._sync_offset is None or self._sync_offset.rate != scene.rate:
            patience = float("inf") if what == OSC else PATIENCE_SECONDS
            self._sync_offset = SyncOffset(scene.rate, patience)
        self._sync_offset.reading(when, sample, rolling)

    @property
    def rolling(self) -> bool:
        """Whether the transport is rolling."""
        self._catch_up()
        return self._sync_offset is not None and self._sync_offset.is_rolling(time.perf_counter())

    def position(self) -> int | None:
        """Where the transport is now, in samples of the timeline; None if that is unknown."""
        self._catch_up()
        found = self._sync_offset.position(time.perf_counter()) if self._sync_offset else None
        return None if found is None else round(found)

    def check(self, scene: Scene, options: PlaybackOptions) -> AlignPlayback | MutePlayback | None:
        """What keeps playback in time: muting it, moving it, or nothing."""
        playback = self._player.playback
        if playback is None:
            return None
        reader = playback.output_mix.reader
        if not self.rolling or self._sync_offset is None:
            return None if reader is None else MutePlayback()
        if reader is not None:
            audible = playback.audible()
            frame = reader.clock.position_at(0) + audible.frame
            ours = scene.origin + frame * scene.rate / playback.outlet.rate
            if not self._sync_offset.compare(audible.when, ours):
                return None
        self._sync_offset.moved()
        return AlignPlayback(scene, options, self._place(self._sync_offset))

    def _place(self, sync_offset: SyncOffset) -> Callable[[AudibleFrame, int, int], float]:
        """Where the transport will be when a frame of the output is audible."""
        now = time.perf_counter()
        there = sync_offset.position(now)
        assert there is not None, "it has reported its position: it is rolling"
        speed = sync_offset.rate

        def place(audible: AudibleFrame, frame: int, rate: int) -> float:
            return there + (audible.when + (frame - audible.frame) / rate - now) * speed

        return place

    def _catch_up(self) -> None:
        """Takes in a reading that came before there was a scene to read it with."""
        if self._sync_offset is None and self._last is not None:
            self.reading(self.what, *self._last)

    def figures(self) -> dict[str, Any]:
        """The transport in the audition's state."""
        sync_offset = self._sync_offset
        running = sync_offset is not None and self._player.playback is not None and sync_offset.rolling
        return {
            "follow": self.what,
            "port": self.port,
            "offset_ms": sync_offset.offset_ms if sync_offset and running else None,
            "drift_ppm": sync_offset.drift_ppm if sync_offset and running else None,
        }
