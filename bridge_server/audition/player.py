"""Scenes on a sound device: opens it, changes what plays, and moves to another one when it is lost.

Knows nothing of commands or replies. Methods that open, change, move or close are slow and run in the controller's
audition thread, one at a time: PortAudio wants one thread. The properties only read counters; the event loop may ask
for them at any time.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from fractions import Fraction
from typing import Any

from bridge_server.audition.effects import Place
from bridge_server.audition.gain_match import factor
from bridge_server.audition.layered_audio import LayeredAudio
from bridge_server.audition.loop_clock import LoopClock
from bridge_server.audition.loop_reader import LoopReader
from bridge_server.audition.output_mix import SWITCH_SECONDS
from bridge_server.audition.playback import MakeReader, Playback
from bridge_server.audition.resampled_audio import ResampledAudio
from bridge_server.audition.scene import PlaybackOptions, Scene
from bridge_server.audition.sound_devices import SoundDevices
from daw_protocol.errors import ProtocolError

log = logging.getLogger(__name__)

MAX_RESAMPLED = 6
# Longer than any block of a device: one that pulls nothing for this long is there, but does not play.
STALLED_SECONDS = 2.0
FADE_OUT_SECONDS = 0.5


class Player:
    """At most one open device."""

    def __init__(self, devices: SoundDevices) -> None:
        self.devices = devices
        self.device = ""  # as the producer named it; "" = the system's default
        self.output = ""  # its label, or ""
        self.playback: Playback | None = None
        self._scene: Scene | None = None
        self._position = 0  # on the timeline, while nothing is audible
        self._resampled: OrderedDict[LayeredAudio, ResampledAudio] = OrderedDict()

    def play(self, scene: Scene, options: PlaybackOptions, position: int) -> None:
        """Plays from a position on the timeline. Raises ProtocolError if no device can be opened."""
        if self.playback is not None and self._scene is not None:
            if scene.rate == self._scene.rate and not self.broken:
                self.change(scene, options, position)
                return
            self.close()  # another song at another rate, which the device may support too
        outlet = self.devices.open(self.device, scene.rate)
        playback = Playback(outlet)
        self._resampled.clear()
        self.playback, self._scene, self._position = playback, scene, position
        try:
            playback.begin(self._placed(scene, options, lambda *_: position))
        except BaseException:
            self.close()
            raise

    def change(self, scene: Scene, options: PlaybackOptions, position: int | None = None) -> None:
        """Another side, take, loop or gain, from the audible position or from the one given."""
        assert self.playback is not None, "it plays"
        here: Place = self._here(scene) if position is None else lambda *_: float(position)
        make = self._placed(scene, options, here)
        self.playback.switch(make)
        self._scene = scene

    def align(self, scene: Scene, options: PlaybackOptions, place: Place) -> None:
        """Moves to where `place` says, for a followed transport."""
        assert self.playback is not None, "it plays"
        self.playback.switch(self._placed(scene, options, place))
        self._scene = scene

    def mute(self) -> None:
        """Silence; the device stays open."""
        if self.playback is not None and self.playback.output_mix.reader is not None:
            self._position = self.position
            self.playback.switch(lambda _: None)

    def stop(self) -> None:
        """Fades out and closes the device."""
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
        """Closes the device."""
        playback, self.playback = self.playback, None
        if playback is not None:
            playback.close(at_once)

    def move(self, options: PlaybackOptions) -> str:
        """Continues on the chosen device, or else on the system's default; returns its name. Raises ProtocolError."""
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
        """Continues on another device, or keeps it for later; returns its name.

        Raises ProtocolError if that is impossible; playback then continues on the previous device.
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
        """Whether the device is lost, or does not pull samples any more."""
        playback = self.playback
        return playback is not None and (
            playback.outlet.lost or playback.failed or playback.silent_for() > STALLED_SECONDS
        )

    @property
    def position(self) -> int:
        """The audible position, in samples of the timeline."""
        playback, scene = self.playback, self._scene
        reader = playback.output_mix.reader if playback else None
        if playback is None or scene is None or reader is None:
            return self._position
        frame = reader.clock.position_at(round(playback.audible().frame))
        return scene.origin + round(frame * scene.rate / playback.outlet.rate)

    @property
    def ended(self) -> bool:
        """Whether a range that does not loop has played to its end."""
        reader = self.playback.output_mix.reader if self.playback else None
        return (
            self.playback is not None
            and reader is not None
            and reader.ended_at(round(self.playback.audible().frame))
        )

    def figures(self) -> dict[str, Any]:
        """The device in the audition's state."""
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
        """The present reader's position at a frame, for another scene of the same or another song."""
        playback, before = self.playback, self._scene
        assert playback is not None, "it plays"
        assert before is not None, "it plays"
        reader, resting = playback.output_mix.reader, self._position
        if reader is None:
            return lambda *_: float(resting)
        clock = reader.clock
        return lambda _, frame, rate: before.origin + clock.position_at(frame) * scene.rate / rate

    def _placed(self, scene: Scene, options: PlaybackOptions, place: Place) -> MakeReader:
        """Makes the reader for whatever frame the switch turns out to begin at."""
        playback = self.playback
        assert playback is not None, "it plays"
        rate = playback.outlet.rate
        audio = self._at_rate(scene.audio[scene.side(options.side)], playback)
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
            at = place(playback.audible(), frame, rate)
            position = round((at - scene.origin) * rate / scene.rate)
            clock = LoopClock(frame, position, start, end, loops)
            # A position after the loop range plays on to the end of the song.
            last = audio.frames if position >= round(end) else min(round(end), audio.frames)
            return LoopReader(audio, clock, gain, None if clock.is_looping or options.free else last)

        return make

    def _at_rate(self, audio: LayeredAudio, playback: Playback) -> ResampledAudio:
        if audio not in self._resampled:
            self._resampled[audio] = ResampledAudio(audio, playback.outlet.rate, playback.outlet.channels)
            while len(self._resampled) > MAX_RESAMPLED:
                self._resampled.popitem(last=False)
        self._resampled.move_to_end(audio)
        return self._resampled[audio]
