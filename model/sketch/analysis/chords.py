"""Chords per beat: a hidden Markov model over the 24 major and minor triads.

The planner matches posteriors, not labels: on seventh chords and walking basses the labels are wrong half the time,
while two bars with the same harmony still get the same posterior.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.sketch import parameters as p
from model.sketch.analysis.chroma import Chroma

NO_CHORD = "N.C."
SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLAT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
NOTE_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
# Krumhansl and Kessler's probe-tone profiles, 1982.
_PROFILES = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}


@dataclass(frozen=True)
class Key:
    """A key: tonic pitch class (0 = C) and "major" or "minor"."""

    tonic: int
    mode: str

    def __str__(self) -> str:
        return f"{NOTE_NAMES[self.tonic]} {self.mode}"

    @property
    def flat(self) -> bool:
        """Whether its notes are spelled with flats."""
        fifths = (self.tonic * 7 + 5) % 12 - 5 - (3 if self.mode == "minor" else 0)
        return fifths < 0 or fifths > 6

    @property
    def tonic_chord(self) -> int:
        """Index of the tonic triad among the 24 chords."""
        return self.tonic + (12 if self.mode == "minor" else 0)


def parse_key(text: str | None) -> Key | None:
    """The key as a host writes it ("F# minor", "Bb", "A min"); None if there is no key or it cannot be parsed."""
    words = (text or "").replace("♯", "#").replace("♭", "b").split()
    if not words:
        return None
    letter = "C.D.EF.G.A.B".find(words[0][0].upper())
    if letter < 0 or words[0][0] == ".":
        return None
    tonic = letter + words[0].count("#") - words[0][1:].count("b")
    minor = len(words) > 1 and words[1].lower().startswith(("min", "aeol", "dor", "phr"))
    minor = minor or (words[0].endswith("m") and len(words[0]) > 1)
    return Key(tonic % 12, "minor" if minor else "major")


def estimate_key(treble: Chroma, bass: Chroma) -> Key:
    """The key whose probe-tone profile correlates best with the song's pitch classes."""
    scores = key_scores(treble, bass)
    return max(scores, key=lambda key: scores[key])


def key_scores(treble: Chroma, bass: Chroma) -> dict[Key, float]:
    """Correlation of every key's probe-tone profile with the song's pitch classes."""
    total = (treble + 0.5 * bass).sum(axis=0)
    return {
        Key(tonic, mode): float(np.corrcoef(total + 1e-6 * np.arange(12), np.roll(profile, tonic))[0, 1])
        for mode, profile in _PROFILES.items()
        for tonic in range(12)
    }


def _templates() -> NDArray[np.float32]:
    """Unit-length triads with their overtones folded in, major 0-11 then minor 12-23; [24, 12]."""
    tone = np.zeros(12)
    for partial, semitones in enumerate((0, 12, 19, 24, 28, 31), start=1):
        tone[semitones % 12] += p.CHORD_OVERTONE_DECAY ** (partial - 1)
    rows = [
        sum((np.roll(tone, root + step) for step in (0, third, 7)), np.zeros(12))
        for third in (4, 3)
        for root in range(12)
    ]
    templates = np.array(rows)
    return np.asarray(templates / np.linalg.norm(templates, axis=1, keepdims=True), dtype=np.float32)


TEMPLATES = _templates()


def _diatonic(key: Key) -> NDArray[np.float64]:
    """1 for triads within the key's scale, 0 for the others; [24]."""
    scale = {(key.tonic + step) % 12 for step in _SCALES[key.mode]}
    return np.array(
        [
            float({root, (root + third) % 12, (root + 7) % 12} <= scale)
            for third in (4, 3)
            for root in range(12)
        ]
    )


def emissions(treble: Chroma, bass: Chroma, key: Key) -> NDArray[np.float64]:
    """Log-likelihood (up to a constant) of each chord at each beat; [beats, 24]."""
    root = np.arange(24) % 12
    return np.asarray(
        p.CHORD_COSINE * (treble @ TEMPLATES.T)
        + p.CHORD_BASS * bass[:, root]
        + p.CHORD_DIATONIC * _diatonic(key)[None],
        dtype=np.float64,
    )


def change_costs(beat_in_bar: NDArray[np.int64]) -> NDArray[np.float64]:
    """Cost of a chord change on each beat: least on a downbeat, most on a weak beat; [beats]."""
    factor = np.where(
        beat_in_bar == 0,
        p.CHORD_CHANGE_DOWNBEAT,
        np.where(beat_in_bar % 2 == 0, p.CHORD_CHANGE_EVEN, p.CHORD_CHANGE_ODD),
    )
    return p.CHORD_CHANGE * factor


def posteriors(emission: NDArray[np.float64], cost: NDArray[np.float64]) -> NDArray[np.float32]:
    """Forward-backward probabilities of the 24 chords at each beat; [beats, 24], rows sum to 1.

    A change costs the same to every chord, so each step mixes the state with its own mean instead of a 24 x 24 product.
    """
    beats = len(emission)
    likelihood = np.exp(emission - emission.max(axis=1, keepdims=True)) if beats else emission
    change = np.exp(-cost)
    forward = np.empty((beats, 24))
    backward = np.ones((beats, 24))
    for i in range(beats):
        before = forward[i - 1] if i else np.full(24, 1 / 24)
        step = change[i] if i else 0.0
        forward[i] = ((1 - step) * before + step * before.sum()) * likelihood[i]
        forward[i] /= forward[i].sum()
    for i in range(beats - 2, -1, -1):
        after = backward[i + 1] * likelihood[i + 1]
        backward[i] = (1 - change[i + 1]) * after + change[i + 1] * after.sum()
        backward[i] /= backward[i].sum()
    both = forward * backward
    return (both / both.sum(axis=1, keepdims=True)).astype(np.float32) if beats else both.astype(np.float32)


def chord_line(emission: NDArray[np.float64], cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """The most likely chord, 0..23, at each beat (Viterbi); arguments as of `posteriors`; [beats]."""
    beats = len(emission)
    if not beats:
        return np.zeros(0, dtype=np.int64)
    before = np.zeros((beats, 24), dtype=np.int64)
    score = emission[0]
    for i in range(1, beats):
        best = int(score.argmax())
        moved = score[best] - cost[i]
        before[i] = np.where(score >= moved, np.arange(24), best)
        score = np.maximum(score, moved) + emission[i]
    line = np.empty(beats, dtype=np.int64)
    line[-1] = int(score.argmax())
    for i in range(beats - 1, 0, -1):
        line[i - 1] = before[i, line[i]]
    return line


def names_of(line: NDArray[np.int64], sounding: NDArray[np.bool_], key: Key) -> list[str]:
    """The chord of each beat as on a chord chart, spelled as its key is; "N.C." where nothing sounds."""
    spelled = FLAT_NAMES if key.flat else SHARP_NAMES
    return [
        spelled[chord % 12] + ("m" if chord >= 12 else "") if sounds else NO_CHORD
        for chord, sounds in zip(line.tolist(), sounding.tolist(), strict=True)
    ]
