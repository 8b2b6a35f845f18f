"""Notes as sound, made of partials that die away: known notes to find again. For tests and benchmarks/notes.py."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.notes.transcriber import HeardNote

VOICES = {
    "piano": ((1.0, 0.6, 0.35, 0.2, 0.12, 0.07), 1.2),
    "organ": ((1.0, 0.8, 0.0, 0.5, 0.0, 0.25), 0.0),
    "bass": ((1.0, 0.5, 0.25, 0.1), 0.8),
    "bell": ((1.0, 0.0, 0.4, 0.0, 0.3), 2.0),
}
"""Levels of the partials, and how fast they die away, per second."""

ATTACK, RELEASE = 0.004, 0.03


def synthesised(
    notes: Sequence[HeardNote], seconds: float, rate: int, voice: str = "piano"
) -> NDArray[np.float32]:
    """(frames,) at `rate`."""
    out = np.zeros(round(seconds * rate))
    levels, decay = VOICES[voice]
    for note in notes:
        first, length = round(note.start * rate), round((note.end - note.start + RELEASE) * rate)
        time = np.arange(min(length, len(out) - first)) / rate
        hertz = 440.0 * 2 ** ((note.pitch - 69) / 12)
        tone = sum(
            level * np.sin(2 * np.pi * hertz * n * time) * np.exp(-decay * n * time)
            for n, level in enumerate(levels, 1)
            if hertz * n < rate / 2
        )
        held = np.clip(time / ATTACK, 0, 1) * np.clip(
            (note.end - note.start + RELEASE - time) / RELEASE, 0, 1
        )
        out[first : first + len(time)] += 0.2 * note.velocity / 127 * tone * held
    return out.astype(np.float32)


def f_score(found: Sequence[HeardNote], known: Sequence[HeardNote], seconds: float = 0.05) -> float:
    """Of notes with the same pitch whose beginnings lie within so many seconds of each other, each counted once."""
    left, hits = list(found), 0
    for note in known:
        near = [one for one in left if one.pitch == note.pitch and abs(one.start - note.start) <= seconds]
        if near:
            hits += 1
            left.remove(min(near, key=lambda one: abs(one.start - note.start)))
    return 2 * hits / max(1, len(found) + len(known))
