"""The built-in band: notes in, audio out.

`SoundBank` synthesises each distinct note once and caches it; `play` mixes notes into a stereo track. The sounds are in
synth_keys.py and synth_drums.py; levels, room and limiting in mixdown.py.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.sketch.band.synth_drums import DRUMS
from model.sketch.band.synth_keys import KEYS, Sound, Wave

SOUNDS: dict[str, Sound] = {**KEYS, **DRUMS}

# Lengths and velocities are rounded to these steps, so that near-equal notes share one cached note: 20 ms at a note's
# end is inaudible, and 1/24 of velocity is less than 0.5 dB at playing level.
LENGTH_STEP_SECONDS = 0.02
VELOCITY_STEPS = 24

# About 100 MB of float32 at most; a three-minute song needs a quarter of it.
CACHE_FRAMES = 25_000_000


@dataclass(frozen=True)
class Note:
    """One note to play.

    sound:    a name in SOUNDS.
    pitch:    MIDI number, fractions allowed (the band plays at the singer's tuning); ignored by drums.
    start:    seconds from the first frame of the track; may be negative.
    seconds:  how long it is held; the release follows.
    velocity: 0..1.
    pan:      -1 left .. 1 right.
    """

    sound: str
    pitch: float
    start: float
    seconds: float
    velocity: float
    pan: float = 0.0


class SoundBank:
    """Notes at one rate, each synthesised once. Not thread-safe."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._waves: OrderedDict[tuple[str, float, int, int], Wave] = OrderedDict()
        self._frames = 0

    def wave(self, note: Note) -> Wave:
        """The sound of `note`, read-only, float32 [frames, 1 or 2]. KeyError for an unknown sound."""
        steps = max(1, round(note.seconds / LENGTH_STEP_SECONDS))
        loudness = min(VELOCITY_STEPS, max(1, round(note.velocity * VELOCITY_STEPS)))
        drum = note.sound in DRUMS
        key = (note.sound, 0.0 if drum else round(note.pitch, 3), 0 if drum else steps, loudness)
        wave = self._waves.get(key)
        if wave is None:
            held = steps * LENGTH_STEP_SECONDS
            wave = SOUNDS[note.sound](key[1], held, loudness / VELOCITY_STEPS, self.rate)
            wave.flags.writeable = False
            self._keep(key, wave)
        else:
            self._waves.move_to_end(key)
        return wave

    def _keep(self, key: tuple[str, float, int, int], wave: Wave) -> None:
        self._waves[key] = wave
        self._frames += wave.size
        while self._frames > CACHE_FRAMES:
            _, oldest = self._waves.popitem(last=False)
            self._frames -= oldest.size


def pan_gains(pan: float) -> NDArray[np.float32]:
    """Equal-power gains [left, right]; -3 dB per side in the middle."""
    angle = (np.clip(pan, -1.0, 1.0) + 1.0) * np.pi / 4.0
    return np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)


def play(
    bank: SoundBank, notes: Sequence[Note], frames: int, check: Callable[[], None] | None = None
) -> NDArray[np.float32]:
    """A dry stereo track of `frames` frames, float32 [frames, 2]; tails past the end are cut.

    `check` is called before every note and may raise to cancel.
    """
    track = np.zeros((frames, 2), dtype=np.float32)
    for note in notes:
        if check is not None:
            check()
        at = round(note.start * bank.rate)
        wave = bank.wave(note)[max(0, -at) : max(0, frames - at)]
        first = max(0, at)
        track[first : first + len(wave)] += wave * pan_gains(note.pan)
    return track
