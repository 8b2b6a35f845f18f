"""One playback source: audio read through a loop clock, with gain. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge_server.audition.layered_audio import Samples
from bridge_server.audition.loop_clock import LoopClock, Run
from bridge_server.audition.resampled_audio import ResampledAudio

# The end of a lap fades into what lies before the loop's start, so that the first beat itself is untouched.
WRAP_SECONDS = 0.005


@dataclass(frozen=True, eq=False)
class LoopReader:
    """audio and clock count frames of the device. gain: a factor; 1 leaves every bit as it is.

    until: the frame of the song at which a range that does not loop ends; None = it plays on.
    """

    audio: ResampledAudio
    clock: LoopClock
    gain: float = 1.0
    until: int | None = None

    def read(self, frame: int, frames: int) -> Samples:
        """Frames [frame, frame + frames) of the output: a new array [frames, channels]."""
        parts = [self._run(run) for run in self.clock.runs(frame, frames)]
        found = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if self.gain != 1.0:
            found = found * np.float32(self.gain)
        return found

    def ended_at(self, frame: int) -> bool:
        return self.until is not None and self.clock.position_at(frame) >= self.until

    def _run(self, run: Run) -> Samples:
        block = self.audio.read(run.position, run.frames)
        fade = round(WRAP_SECONDS * self.audio.rate)
        if run.lap_end is not None:
            fade = min(fade, run.lap // 2)
            begin = max(0, run.lap_end - fade - run.position)
            if begin < run.frames:
                other = self.audio.read(run.position + begin - run.lap, run.frames - begin)
                _into(block[begin:], other, run.position + begin - (run.lap_end - fade), fade)
        elif self.until is not None:
            # A range that ends inside the song fades out; at the song's own end there is nothing to fade.
            fade = fade if self.until < self.audio.frames else 0
            begin = max(0, self.until - fade - run.position)
            if begin < run.frames:
                silence = np.zeros_like(block[begin:])
                _into(block[begin:], silence, run.position + begin - (self.until - fade), fade)
        return block


def _into(block: Samples, other: Samples, first: int, fade: int) -> None:
    """Fades block into other in place, both [frames, channels]; `first` frames of the fade are over already."""
    block += (other - block) * rising(first, len(block), fade)


def rising(first: int, frames: int, fade: int) -> Samples:
    """Frames [first, first + frames) of a linear ramp from 0 to 1 over `fade` frames, [frames, 1]; 1 after its end.

    It and its mirror image sum to one: equal sounds pass unchanged.
    """
    if fade == 0:
        return np.ones((frames, 1), np.float32)
    ramp = (np.arange(first, first + frames, dtype=np.float32) + np.float32(0.5)) / np.float32(fade)
    return np.asarray(np.clip(ramp, 0, 1)[:, None])
