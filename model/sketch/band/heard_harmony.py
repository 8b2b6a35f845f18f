"""Chords for a source that is a mix: what the recording itself plays, weighed with the melody where there is one.

A line says little about its harmony but has nothing else; a mix has chords of its own, and any others would clash with
it. Evidence of both is in nats and adds up: the melody's weighs as much as there is of it in a slot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.engine import Grid
from model.pace import Pace
from model.sketch import parameters as p
from model.sketch.analysis import chords, chroma
from model.sketch.band.harmony import (
    FUNCTIONS,
    MOVES,
    UNLISTED_MOVE,
    Chord,
    Slots,
    Taste,
    chord_of,
    note_probabilities,
    shared_weights,
)
from model.sketch.band.key_finding import FoundKey, SongKey

Floats = NDArray[np.float64]

# How much what the recording plays counts against the rules of functional harmony, and a chord outside the key.
HEARD_WEIGHT = 2.0
RULES_WEIGHT = 0.1
# A pitch followed through a mix jumps between its parts, so it counts less than that of a line.
MIXED_MELODY = 0.4
OUTSIDE_PRIOR = -1.0
SURE_MARGIN = 0.12  # difference of the two best keys' correlations at which nobody doubts the key


@dataclass(frozen=True)
class HeardHarmony:
    """evidence: [slots, 24], log-likelihood of each triad (major 0-11, minor 12-23), 0 where nothing sounds.

    tuning: semitones above A = 440 Hz.
    contrast: how much the best triad of a beat stands out from all, about 0.1 for noise and 0.5 for clear chords.
    """

    evidence: Floats
    key: FoundKey
    tuning: float
    contrast: float


def hear(
    spectra: NDArray[np.float32],
    grid: Grid,
    slots: Sequence[tuple[int, int, int]],
    key: SongKey | None,
    pace: Pace,
) -> HeardHarmony:
    """The harmony of a song in slots of whole beats; the key is found unless it is given.

    spectra: as line_or_mix.py makes them.
    """
    medians = chroma.beat_medians(spectra, grid.seconds, pace.check)
    bass, treble, tuning = chroma.beat_chroma(medians)
    scores = chords.key_scores(treble, bass)
    best, following = sorted(scores, key=lambda one: scores[one], reverse=True)[:2]
    clear = min(1.0, (scores[best] - scores[following]) / SURE_MARGIN)
    found = FoundKey(key, 1.0) if key is not None else FoundKey(SongKey(best.tonic, best.mode), clear)
    mode = "minor" if found.key.is_minor else "major"
    per_beat = chords.emissions(treble, bass, chords.Key(found.key.tonic, mode))
    per_beat -= per_beat.mean(axis=1, keepdims=True)
    per_beat[~(treble.any(axis=1) | bass.any(axis=1))] = 0.0
    rows = [per_beat[first : first + beats] for _, first, beats in slots]
    evidence = np.array([row.mean(axis=0) if len(row) else np.zeros(24) for row in rows])
    return HeardHarmony(evidence, found, tuning, contrast_of(treble))


def contrast_of(treble: chroma.Chroma) -> float:
    """Mean over the beats that sound of how much the best triad's likeness exceeds the mean of all 24."""
    likeness = treble[treble.any(axis=1)] @ chords.TEMPLATES.T
    return float(np.mean(likeness.max(axis=1) - likeness.mean(axis=1))) if len(likeness) else 0.0


def harmonise_heard(slots: Slots, key: SongKey, heard: Floats, taste: Taste) -> list[Chord]:
    """One chord per slot: any triad, the key's functions first. heard: `HeardHarmony.evidence`."""
    states = states_of(key)
    columns = [chord.root + (12 if chord.quality == "m" else 0) for chord in states]
    logs = np.log([note_probabilities(chord, key) for chord in states])
    melody = (
        MIXED_MELODY * taste.evidence * shared_weights(slots, taste.sharing) @ (logs - np.log(1.0 / 12.0)).T
    )
    fit = melody + HEARD_WEIGHT * heard[:, columns] + RULES_WEIGHT * priors(states, key)
    return [states[at] for at in best_path(fit, *costs(states, key, slots, taste))]


def states_of(key: SongKey) -> list[Chord]:
    """The key's own chords, then all other major and minor triads."""
    own = [chord_of(function, key) for function in FUNCTIONS[key.mode]]
    known = {(chord.root, chord.quality) for chord in own}
    others = [Chord(root, quality, "") for quality in ("", "m") for root in range(12)]
    return own + [chord for chord in others if (chord.root, chord.quality) not in known]


def priors(states: Sequence[Chord], key: SongKey) -> Floats:
    """[states], how common each chord is in the key (nats)."""
    known = {function.name: function.prior for function in FUNCTIONS[key.mode]}
    return np.array([known.get(chord.function, OUTSIDE_PRIOR / RULES_WEIGHT) for chord in states])


def costs(
    states: Sequence[Chord], key: SongKey, slots: Slots, taste: Taste
) -> tuple[Floats, Callable[[int], float]]:
    """[states, states] scores of moves, and what a change in a slot costs beside that."""
    moves = MOVES[key.mode]
    matrix = np.array(
        [[moves.get(f"{one.function} {other.function}", UNLISTED_MOVE) for other in states] for one in states]
    )
    matrix *= RULES_WEIGHT * taste.moves
    np.fill_diagonal(matrix, 0.0)
    at_bar, inside = -p.CHORD_CHANGE * p.CHORD_CHANGE_DOWNBEAT, -p.CHORD_CHANGE * p.CHORD_CHANGE_EVEN
    return matrix, lambda slot: at_bar if slots.opens_bar[slot] else inside


def best_path(fit: Floats, moves: Floats, change: Callable[[int], float]) -> list[int]:
    """The state of each slot (Viterbi)."""
    same = np.eye(fit.shape[1], dtype=bool)
    score, origins = fit[0], []
    for slot in range(1, len(fit)):
        reached = score[:, None] + np.where(same, 0.0, moves + change(slot))
        origins.append(reached.argmax(axis=0))
        score = reached.max(axis=0) + fit[slot]
    path = [int(score.argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return path[::-1]
