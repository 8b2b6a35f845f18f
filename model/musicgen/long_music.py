"""Music longer than the network's window: window after window, each going on from the last part of the one before.

As the authors do it (audiocraft, `extend_stride`): a window of 30 s is new for 18 s. Where two windows meet, both have
heard the same codes on either side, and a short crossfade joins what little their decoders differ by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

import numpy as np
from torch import Tensor

from model.engine import Samples
from model.musicgen.melody_network import WindowPlan
from model.musicgen.musicgen_settings import MusicgenSettings
from model.pace import Pace

OVERLAP = 0.4
"""Of a window: what it repeats of the one before."""
_HELD = 0.25  # of the overlap: how far before a window's end the next one takes over, past the codec's edge
_FADE_FRAMES = 0.5


class WindowNetwork(Protocol):
    """What a window needs of a network: `MelodyNetwork`."""

    frame: int
    window_frames: int

    def generate(
        self, plan: WindowPlan, settings: MusicgenSettings, pace: Pace
    ) -> tuple[Tensor, Samples]: ...


def overlap_frames(network: WindowNetwork) -> int:
    """The longest prompt of a window."""
    return int(OVERLAP * network.window_frames)


def long_music(
    network: WindowNetwork,
    plan: WindowPlan,
    chroma_at: Callable[[int], Tensor | None],
    settings: MusicgenSettings,
    pace: Pace,
) -> Iterator[Samples]:
    """The prompt and plan.frames new frames, as pieces of audio [samples, channels] at the network's rate.

    plan: of the whole; its prompt has at most `overlap_frames`. chroma_at: of the window from a frame on, counted from
    the first new one of the whole.
    """
    overlap = overlap_frames(network)
    fade = int(_FADE_FRAMES * network.frame)
    prompt, first = plan.prompt, 0  # where the window begins, in frames from the prompt's first on
    before = 0 if prompt is None else prompt.shape[1]
    assert before <= overlap, (before, overlap)
    end, index, given = before + plan.frames, 0, 0
    tail: Samples | None = None
    while True:
        has = 0 if prompt is None else prompt.shape[1]
        new = min(network.window_frames - has, end - first - has)
        done = first + has - before
        part = pace.part(done / plan.frames, (done + new) / plan.frames)
        window = replace(plan, prompt=prompt, frames=new, index=index, chroma=chroma_at(first - before))
        codes, audio = network.generate(window, settings, part)
        from_here = audio[given - first * network.frame :]
        if tail is not None:
            from_here = _joined(tail, from_here)
        last = first + has + new == end
        kept = 0 if last else int(_HELD * overlap) * network.frame
        yield from_here[: len(from_here) - kept]
        if last:
            return
        given += len(from_here) - kept
        tail = from_here[len(from_here) - kept :][:fade]
        first, prompt, index = first + has + new - overlap, codes[:, -overlap:], index + 1


def _joined(old: Samples, new: Samples) -> Samples:
    """`new`, faded in over the length of `old`."""
    ramp = np.linspace(0, 1, len(old), endpoint=False, dtype=np.float32)[:, None]
    joined = new.copy()
    joined[: len(old)] = old * (1 - ramp) + new[: len(old)] * ramp
    return joined
