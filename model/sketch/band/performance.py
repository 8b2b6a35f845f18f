"""Plays the arrangement: turns events on the grid into stems, in blocks, at the target loudness.

Two passes, so that a song of any length fits in memory and the first bars can play before the last are rendered:
one measures the band's loudness, one renders. Both share a cache of notes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.dsp import loudness
from model.engine import RenderRequest
from model.pace import Pace
from model.sketch.band import soundfont
from model.sketch.band.arranger import Event
from model.sketch.band.mixdown import Reverb, ceiling_gain, to_channels
from model.sketch.band.presets import Preset
from model.sketch.band.sung_bars import beat_time
from model.sketch.band.synth import Note, SoundBank, play

Audio = NDArray[np.float32]

BLOCK_SECONDS = 4.0
# No sound of the band rings longer than this after its note-off.
LONGEST_RELEASE_SECONDS = 2.6
CUT_FADE_SECONDS = 0.008
# SoundFonts differ by 20 dB between instruments; this is the balance of the built-in band's parts in pop.
SOUNDFONT_LUFS = {"drums": -20.5, "bass": -21.5, "keys": -22.0, "guitar": -22.0, "pad": -26.0}


@dataclass(frozen=True)
class Block:
    """A few seconds of the backing from frame `start` (in the request's coordinates): stems and their sum."""

    start: int
    mix: Audio
    stems: dict[str, Audio]

    def within(self, start: int, end: int) -> Block | None:
        """The part inside [start, end); None if there is none."""
        first, last = max(0, start - self.start), min(len(self.mix), end - self.start)
        if last <= first:
            return None
        cut = {name: samples[first:last] for name, samples in self.stems.items()}
        return Block(self.start + first, self.mix[first:last], cut)


class Performance:
    """One take, ready to be played block by block."""

    def __init__(
        self,
        request: RenderRequest,
        preset: Preset,
        instruments: Sequence[str],
        events: Sequence[Event],
        tuning: float,
        own_sounds: Path | None = None,
    ) -> None:
        self.events = events
        self.target_lufs = loudness.FLOOR_LUFS
        self._request = request
        self._preset = preset
        self._instruments = tuple(instruments)
        self._bank = SoundBank(request.rate)
        self._start = request.start - request.handle
        self._frames = request.length + 2 * request.handle
        self._gain = 1.0
        self._tuning = tuning
        self._soundfont = own_sounds
        self._recorded: dict[str, Audio] = {}
        self._notes = {
            name: [self._note(event, tuning) for event in events if event.instrument == name]
            for name in instruments
        }

    def _note(self, event: Event, tuning: float) -> Note:
        grid = self._request.grid
        start = beat_time(grid, event.beat)
        seconds = beat_time(grid, event.beat + event.beats) - start
        origin = self._start / self._request.rate
        return Note(
            event.sound, event.pitch + tuning, start + event.late - origin, seconds, event.velocity, event.pan
        )

    def set_level(self, lufs: float, pace: Pace) -> None:
        """Renders everything once and sets the gain that brings it to `lufs`."""
        band = np.zeros((self._frames, 2), dtype=np.float32)
        room = Reverb(self._request.rate, self._preset.reverb_seconds)
        for first, frames in self._spans():
            to_room = np.zeros((frames, 2), dtype=np.float32)
            for name in self._instruments:
                part = self._preset.parts[name]
                dry = part.level * self._dry(name, first, frames, pace)
                band[first : first + frames] += dry
                to_room += part.room * dry
            pace.check()
            # One room for all: reverb is linear, so this equals the sum of the stems' own rooms.
            band[first : first + frames] += room.process(to_room)
            pace.at("rehearsing", (first + frames) / self._frames)
        level = loudness.integrated(band, self._request.rate, pace.check)
        self._gain = 10.0 ** ((lufs - level) / 20.0) if math.isfinite(level) else 1.0
        self.target_lufs = lufs

    def _spans(self) -> Iterator[tuple[int, int]]:
        step = round(BLOCK_SECONDS * self._request.rate)
        for first in range(0, self._frames, step):
            yield first, min(step, self._frames - first)

    def _dry(self, name: str, first: int, frames: int, pace: Pace) -> Audio:
        """An instrument's dry stereo track over frames [first, first + frames)."""
        if self._soundfont is not None:
            return self._from_soundfont(name, self._soundfont, pace)[first : first + frames]
        rate = self._request.rate
        begin, end = first / rate, (first + frames) / rate
        near = [
            Note(n.sound, n.pitch, n.start - begin, n.seconds, n.velocity, n.pan)
            for n in self._notes[name]
            if n.start < end and n.start + n.seconds + LONGEST_RELEASE_SECONDS > begin
        ]
        return play(self._bank, near, frames, pace.check)

    def _from_soundfont(self, name: str, path: Path, pace: Pace) -> Audio:
        """The whole track played by the user's SoundFont, at its level in the band's balance; cached."""
        if name not in self._recorded:
            part, rate = self._preset.parts[name], self._request.rate
            midi = soundfont.part_midi(self._notes[name], part.program, name == "drums", self._tuning)
            track = soundfont.play_part(path, midi, self._frames, rate, pace.check)
            level = loudness.integrated(track, rate, pace.check)
            audible = math.isfinite(level)
            gain = 10.0 ** ((SOUNDFONT_LUFS[name] - level) / 20.0) / part.level if audible else 1.0
            self._recorded[name] = np.asarray(gain * track, dtype=np.float32)
        return self._recorded[name]

    def blocks(self, pace: Pace) -> Iterator[tuple[float, Block]]:
        """(fraction done, block), in order; stems sum to the mix."""
        rate, parts = self._request.rate, self._preset.parts
        with_room = [name for name in self._instruments if parts[name].room]
        rooms = {name: Reverb(rate, self._preset.reverb_seconds) for name in with_room}
        for first, frames in self._spans():
            wet = {}
            for name in self._instruments:
                dry = self._gain * parts[name].level * self._dry(name, first, frames, pace)
                pace.check()
                wet[name] = dry + parts[name].room * rooms[name].process(dry) if name in rooms else dry
            mix = np.asarray(np.sum(list(wet.values()), axis=0, dtype=np.float32))
            keep = ceiling_gain(mix) * self._fade(first, frames)
            stems = {name: to_channels(track * keep, self._request.channels) for name, track in wet.items()}
            total = np.asarray(np.sum(list(stems.values()), axis=0, dtype=np.float32))
            yield (first + frames) / self._frames, Block(self._start + first, total, stems)

    def _fade(self, first: int, frames: int) -> Audio:
        """Gain [frames, 1] that fades out anything still ringing at the very end, to avoid a click."""
        left = (self._frames - first - np.arange(frames)) / self._request.rate
        return np.clip(left / CUT_FADE_SECONDS, 0.0, 1.0).astype(np.float32)[:, None]
