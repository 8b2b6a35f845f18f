"""Scenes on a sound device: opens it, changes what is heard, and goes on elsewhere when it is taken away.

Nothing here knows of commands or replies. Methods that open, change or close are slow: for a thread, one at a time.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from bridge_server.audition.gain_match import factor
from bridge_server.audition.layered_audio import LayeredAudio
from bridge_server.audition.loop_clock import LoopClock
from bridge_server.audition.loop_reader import LoopReader
from bridge_server.audition.output_mix import SWITCH_SECONDS
from bridge_server.audition.playback import Heard, MakeReader, Playback
from bridge_server.audition.resampled_audio import ResampledAudio
from bridge_server.audition.scene import Scene
from bridge_server.audition.sound_devices import SoundDevices
from daw_protocol.errors import ProtocolError

log = logging.getLogger(__name__)

LANES_KEPT = 6
# Longer without a call from the device than any of its blocks: it is there, but it does not play.
STALLED_SECONDS = 2.0
FADE_OUT_SECONDS = 0.5


@dataclass(frozen=True)
class PlaybackOptions:
    """How a scene is played. free: from where it is put, without a loop and without an end (the DAW's transport)."""

    side: str
    loops: bool = True
    gain_db: float = 0.0
    match: bool = True
    free: bool = False


Place = Callable[[Heard, int, int], float]
"""Where on the timeline the song is to be: (what is heard now, frame of the output, its rate) -> sample."""


class Player:
    """At most one open device."""

    def __init__(self, devices: SoundDevices) -> None:
        self.devices = devices
        self.device = ""  # as the producer named it; "" = the system's own
        self.output = ""  # its label, or ""
        self.playback: Playback | None = None
        self._scene: Scene | None = None
        self._position = 0  # on the timeline, while nothing is heard
        self._rated: OrderedDict[LayeredAudio, ResampledAudio] = OrderedDict()

    def play(self, scene: Scene, options: PlaybackOptions, position: int) -> None:
        """Plays from a position of the timeline on. Raises ProtocolError when there is no device to play on."""
        if self.playback is not None and self._scene is not None:
            if scene.rate == self._scene.rate and not self.broken:
                self.change(scene, options, position)
                return
            self.close()  # another song at another rate: the device may do that one too
        outlet = self.devices.open(self.device, scene.rate)
        playback = Playback(outlet)
        self._rated.clear()
        self.playback, self._scene, self._position = playback, scene, position
        try:
            playback.begin(self._placed(scene, options, lambda *_: position))
        except BaseException:
            self.close()
            raise

    def change(self, scene: Scene, options: PlaybackOptions, position: int | None = None) -> None:
        """Another side, take, loop or gain, from the position that is heard on, or from another one."""
        assert self.playback is not None, "it plays"
        here: Place = self._here(scene) if position is None else lambda *_: float(position)
        make = self._placed(scene, options, here)
        self.playback.switch(make)
        self._scene = scene

    def align(self, scene: Scene, options: PlaybackOptions, place: Place) -> None:
        """Moves to where `place` says, for a transport that is followed."""
        assert self.playback is not None, "it plays"
        self.playback.switch(self._placed(scene, options, place))
        self._scene = scene

    def hush(self) -> None:
        """Silence, with the device kept open."""
        if self.playback is not None and self.playback.output_mix.reader is not None:
            self._position = self.position
            self.playback.switch(lambda _: None)

    def stop(self) -> None:
        """Fades out and gives the device back."""
        playback = self.playback
        if playback is not None and not self.broken:
            self._position = self.position
            faded = playback.switch(lambda _: None).frame + round(SWITCH_SECONDS * playback.outlet.rate)
            until = time.perf_counter() + FADE_OUT_SECONDS
            while (
                playback.ring_buffer.taken < faded
                and time.perf_counter() < until
                and not playback.outlet.lost
            ):
                time.sleep(0.005)
        self.close(at_once=self.broken)

    def close(self, at_once: bool = True) -> None:
        """Gives the device back."""
        playback, self.playback = self.playback, None
        if playback is not None:
            playback.close(at_once)

    def move(self, options: PlaybackOptions) -> str:
        """Goes on, on the device that is chosen now, or on the system's own; returns its name. Raises ProtocolError."""
        scene = self._scene
        assert scene is not None, "it played"
        position = self.position
        self.close()
        try:
            self.play(scene, options, position)
        except ProtocolError:
            if not self.device:
                raise
            chosen, self.device = self.device, ""
            try:
                self.play(scene, options, position)
            finally:
                self.device = chosen
        assert self.playback is not None, "it plays"
        return self.playback.outlet.name

    def choose(self, name: str, options: PlaybackOptions) -> str:
        """Plays on through another device, or keeps it for later; returns its name.

        Raises ProtocolError when that cannot be done; what was playing then plays on where it did.
        """
        if self.playback is None or self._scene is None:
            found = self.devices.find(name).label
            self._chosen(name, found)
            return found
        scene, position = self._scene, self.position
        before, self.device = self.device, name
        self.close(at_once=False)
        try:
            self.play(scene, options, position)
        except ProtocolError:
            self.device = before
            self.play(scene, options, position)
            raise
        assert self.playback is not None, "it plays"
        self._chosen(name, self.playback.outlet.name)
        return self.playback.outlet.name

    def _chosen(self, name: str, label: str) -> None:
        self.device = name
        self.output = label if name.strip() else ""

    @property
    def broken(self) -> bool:
        """Whether the device has gone, or does not ask for samples any more."""
        playback = self.playback
        return playback is not None and (
            playback.outlet.lost or playback.failed or playback.silent_for() > STALLED_SECONDS
        )

    @property
    def position(self) -> int:
        """What is heard now, in samples of the timeline."""
        playback, scene = self.playback, self._scene
        reader = playback.output_mix.reader if playback else None
        if playback is None or scene is None or reader is None:
            return self._position
        frame = reader.clock.position_at(round(playback.heard().frame))
        return scene.origin + round(frame * scene.rate / playback.outlet.rate)

    @property
    def ended(self) -> bool:
        """Whether a passage that does not loop has been heard to its end."""
        reader = self.playback.output_mix.reader if self.playback else None
        return (
            self.playback is not None
            and reader is not None
            and reader.ended_at(round(self.playback.heard().frame))
        )

    def figures(self) -> dict[str, Any]:
        """What the audition's state says of the device."""
        playback = self.playback
        return {
            "output": self.output[:256],
            "device": playback.outlet.name[:256] if playback else "",
            "rate": playback.outlet.rate if playback else 0,
            "channels": playback.outlet.channels if playback else 0,
            "latency_ms": round(playback.outlet.latency * 1000, 2) if playback else 0.0,
            "underruns": playback.underruns if playback else 0,
        }

    def _here(self, scene: Scene) -> Place:
        """The position the present voice has at a frame, in another scene of the same or another song."""
        playback, before = self.playback, self._scene
        assert playback is not None, "it plays"
        assert before is not None, "it plays"
        reader, resting = playback.output_mix.reader, self._position
        if reader is None:
            return lambda *_: float(resting)
        clock = reader.clock
        return lambda _, frame, rate: before.origin + clock.position_at(frame) * scene.rate / rate

    def _placed(self, scene: Scene, options: PlaybackOptions, place: Place) -> MakeReader:
        """Makes the voice for whatever frame the switch turns out to begin at."""
        playback = self.playback
        assert playback is not None, "it plays"
        rate = playback.outlet.rate
        lane = self._at_rate(scene.lanes[scene.side(options.side)], playback)
        start, end = (
            Fraction((at - scene.origin) * rate, scene.rate)
            for at in (scene.loop_range.start, scene.loop_end())
        )
        waiting = scene.ready is not None
        loops = not options.free and (waiting or (options.loops and scene.bounded))
        matching = scene.gains_db.get(scene.side(options.side), 0.0) if options.match else 0.0
        gain = factor(options.gain_db + matching)
        if waiting and end <= start:
            return lambda _: None  # no bar before the take, and nothing of it yet

        def make(frame: int) -> LoopReader:
            at = place(playback.heard(), frame, rate)
            position = round((at - scene.origin) * rate / scene.rate)
            clock = LoopClock(frame, position, start, end, loops)
            # Put behind the passage's end it is played to the song's.
            last = lane.frames if position >= round(end) else min(round(end), lane.frames)
            return LoopReader(lane, clock, gain, None if clock.goes_round or options.free else last)

        return make

    def _at_rate(self, lane: LayeredAudio, playback: Playback) -> ResampledAudio:
        if lane not in self._rated:
            self._rated[lane] = ResampledAudio(lane, playback.outlet.rate, playback.outlet.channels)
            while len(self._rated) > LANES_KEPT:
                self._rated.popitem(last=False)
        self._rated.move_to_end(lane)
        return self._rated[lane]
