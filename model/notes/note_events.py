"""Notes from what the network says of each moment and key: where notes begin, and where they sound.

As in R. M. Bittner et al., "A Lightweight Instrument-Agnostic Model for Polyphonic Note Transcription and Multipitch
Estimation" (ICASSP 2022), section 2.3: beginnings are peaks of the onsets and of sudden rises of what sounds; each
is followed until its key has been silent for a while. What still sounds afterwards, without a beginning of its own,
becomes notes from its loudest moment outwards. Pure arithmetic.

One step is ours: a softer note on a partial of one that sounds is taken for that partial. Without it a held tone with
strong partials is heard as two or three notes (benchmarks/notes.py); octaves that are played are as loud as each other.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
"""(frames, 88 keys), 0 to 1."""

LOWEST_PITCH = 21
"""MIDI, of the first key: A0."""
ONSET, SOUNDING = 0.5, 0.3
SHORTEST = 11
"""Frames, 128 ms: shorter notes are seldom played, and often harmonics of others."""
SILENT = 11
"""Frames below SOUNDING that end a note."""
_RISE_FRAMES = 2

PARTIALS = (12, 19, 24, 28, 31, 34, 36)
"""Semitones from a tone to its partials, the second to the eighth."""
SOFTER = 0.8
"""A note below this part of the strength of the tone below it is its partial; chosen with benchmarks/notes.py."""
_TOGETHER = 4  # frames, 46 ms: a partial may be heard so long before its tone


@dataclass(frozen=True)
class NoteFrames:
    """A note: first frame, first frame after it, MIDI pitch, and how sure it sounds, 0 to 1."""

    start: int
    end: int
    pitch: int
    strength: float


def notes_in(sounding: Rows, onsets: Rows) -> list[NoteFrames]:
    """The notes, in order of their beginnings. Both matrices have the same shape."""
    frames, keys = sounding.shape
    if frames <= SHORTEST:
        return []
    left = sounding.astype(np.float64)
    found: list[NoteFrames] = []
    begins = _with_rises(onsets.astype(np.float64), left)
    for start, key in reversed(
        _peaks(begins)
    ):  # the last first: a note ends where the next one on its key begins
        end = _followed(left[:, key], start + 1, frames - 1)
        if end - start > SHORTEST:
            found.append(_taken(sounding, left, start, end, key))
    while (loudest := int(np.argmax(left))) >= 0 and left.flat[loudest] > SOUNDING:
        middle, key = divmod(loudest, keys)
        line = left[:, key].copy()
        left[middle, key] = 0.0
        end = _followed(line, middle + 1, frames - 1)
        start = frames - 1 - _followed(line[::-1], frames - middle, frames - 1)
        note = _taken(sounding, left, start + 1, end, key)
        if end - start - 1 > SHORTEST:
            found.append(note)
    return _without_partials(sorted(found, key=lambda note: (note.start, note.pitch)))


def _without_partials(notes: list[NoteFrames]) -> list[NoteFrames]:
    by_pitch: defaultdict[int, list[NoteFrames]] = defaultdict(list)
    for note in notes:
        by_pitch[note.pitch].append(note)

    def is_partial(note: NoteFrames) -> bool:
        tones = (tone for interval in PARTIALS for tone in by_pitch.get(note.pitch - interval, ()))
        return any(
            tone.start - _TOGETHER <= note.start < tone.end and note.strength < SOFTER * tone.strength
            for tone in tones
        )

    return [note for note in notes if not is_partial(note)]


def _followed(line: NDArray[np.float64], start: int, last: int) -> int:
    """The first frame from `start` on at which a key has become silent for SILENT frames; `last` at the latest."""
    quiet, at = 0, start
    while at < last and quiet < SILENT:
        quiet = quiet + 1 if line[at] < SOUNDING else 0
        at += 1
    return at - quiet


def _taken(sounding: Rows, left: NDArray[np.float64], start: int, end: int, key: int) -> NoteFrames:
    """The note; what sounded of it, and of the keys beside it, is no other note."""
    left[start:end, max(0, key - 1) : key + 2] = 0.0
    strength = float(sounding[start:end, key].mean()) if end > start else 0.0
    return NoteFrames(start, end, LOWEST_PITCH + key, strength)


def _with_rises(onsets: NDArray[np.float64], sounding: NDArray[np.float64]) -> NDArray[np.float64]:
    """Onsets, or rises of what sounds over one frame and over two, where those are larger; scaled alike."""
    rises = np.full_like(sounding, np.inf)
    for distance in range(1, _RISE_FRAMES + 1):
        before = np.concatenate([np.zeros((distance, sounding.shape[1])), sounding[:-distance]])
        rises = np.minimum(rises, sounding - before)
    rises = np.maximum(rises, 0.0)
    rises[:_RISE_FRAMES] = 0.0
    highest = rises.max(initial=0.0)
    return onsets if highest == 0.0 else np.maximum(onsets, rises * (onsets.max() / highest))


def _peaks(begins: NDArray[np.float64]) -> list[tuple[int, int]]:
    """(frame, key) of every beginning that is sure enough, in order."""
    # Not by scipy.signal.argrelmax: the server imports this file, and would start half as fast.
    between = begins[1:-1]
    frames, keys = np.nonzero((between >= ONSET) & (between > begins[:-2]) & (between > begins[2:]))
    return [(int(frame) + 1, int(key)) for frame, key in zip(frames, keys, strict=True)]
