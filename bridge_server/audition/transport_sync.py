"""Keeps what is heard in time with the transport that is followed, and says how well."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from bridge_server.audition.playback import Heard
from bridge_server.audition.player import PlaybackOptions, Player
from bridge_server.audition.scene import Scene
from bridge_server.audition.sync_offset import SyncOffset
from bridge_server.audition.transports import TRANSPORTS, Transport
from daw_protocol.timeline import Position

NONE, OSC, MIDI = "none", "osc", "midi"


class TransportSync:
    """One transport at a time. `scene` gives the ruler that positions are read on."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self.what = NONE
        self.port = ""  # of MIDI, as it was named
        self.scene: Scene | None = None
        self._transport: Transport | None = None
        self._sync_offset: SyncOffset | None = None
        self._last: tuple[float, Position, bool] | None = None

    def follow(self, what: str, port: str, loop: asyncio.AbstractEventLoop) -> None:
        """Listens to another transport. Slow, for a thread. Raises ProtocolError; then it is the one before."""
        transport = None
        if what in TRANSPORTS:

            def tell(when: float, position: Position, rolling: bool) -> None:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(self.reading, what, when, position, rolling)

            transport = TRANSPORTS[what](port, tell)
        self.close()
        self.what, self._transport = what, transport
        self.port = port if what == MIDI else ""

    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()
        self.what, self.port, self._sync_offset, self._last = NONE, "", None, None

    def reading(self, what: str, when: float, position: Position, rolling: bool) -> None:
        """The transport said where it is. On the event loop."""
        if what != self.what:
            return
        self._last = (when, position, rolling)
        scene = self.scene
        if scene is None:
            return
        try:
            sample = position.resolve(scene.tempo_map, scene.rate)
        except (ValueError, OverflowError):  # outside of what the ruler has
            return
        if self._sync_offset is None or self._sync_offset.rate != scene.rate:
            patience = self._transport.patience if self._transport else float("inf")
            self._sync_offset = SyncOffset(self.what, scene.rate, patience)
        self._sync_offset.reading(when, sample, rolling)

    @property
    def moves(self) -> bool:
        """Whether the transport runs."""
        if self._sync_offset is None and self._last is not None:
            self.reading(self.what, *self._last)  # heard before anything was played
        return self._sync_offset is not None and self._sync_offset.moves(time.perf_counter())

    def position(self) -> int | None:
        """Where the transport is now; None when that is not known."""
        if self._sync_offset is None and self._last is not None:
            self.reading(self.what, *self._last)
        found = self._sync_offset.position(time.perf_counter()) if self._sync_offset else None
        return None if found is None else round(found)

    def keep(self, scene: Scene, options: PlaybackOptions) -> None:
        """One look: begins, moves or falls silent as the transport does. In a thread."""
        sync_offset, playback = self._sync_offset, self._player.playback
        if playback is None:
            return
        if sync_offset is None or not self.moves:
            self._player.hush()
            return
        if playback.output_mix.reader is None:
            self._move(scene, options, sync_offset)
            return
        heard = playback.heard()
        frame = playback.output_mix.reader.clock.position_at(0) + heard.frame
        ours = scene.origin + frame * scene.rate / playback.outlet.rate
        if sync_offset.compare(heard.when, ours):
            self._move(scene, options, sync_offset)

    def _move(self, scene: Scene, options: PlaybackOptions, sync_offset: SyncOffset) -> None:
        def place(heard: Heard, frame: int, rate: int) -> float:
            """Where the transport will be when that frame is heard."""
            there = sync_offset.position(heard.when + (frame - heard.frame) / rate)
            return float(self._player.position if there is None else there)

        self._player.align(scene, options, place)
        sync_offset.moved()

    def figures(self) -> dict[str, Any]:
        """What the state says of it."""
        sync_offset = self._sync_offset
        running = sync_offset is not None and self._player.playback is not None and sync_offset.rolling
        return {
            "follow": self.what,
            "port": self.port,
            "offset_ms": sync_offset.offset_ms if sync_offset and running else None,
            "drift_ppm": sync_offset.drift_ppm if sync_offset and running else None,
        }
