"""Which bars of the song a continuation should resemble: finds places like the current one and what followed them.

Plans in beats of the grid; complete.py later chooses the beats to play by least cost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.sketch import parameters as p
from model.sketch.analysis.beats import Beats
from model.sketch.analysis.onsets import envelope_at
from model.sketch.rearrange import steps


def match_scores(beats: Beats, sources: NDArray[np.intp], now: int, next_target: int) -> NDArray[np.float64]:
    """How well each beat j matches `now`, with beat j + 1 to play at `next_target`; -inf if it cannot; [beats].

    Compares the four bars up to `now` with those up to j; the nearest bars count most.
    """
    count, bar = len(beats), int(beats.bar_beats[now])
    score = np.zeros(count)
    for back in range(min(p.MATCH_BARS * bar, now + 1)):
        here = now - back
        there = np.maximum(np.arange(count) - back, 0)
        harmony = beats.chord[there] @ beats.chord[here]
        harmony = harmony / np.maximum(np.linalg.norm(beats.chord[there], axis=1), 1e-6)
        harmony = harmony / max(float(np.linalg.norm(beats.chord[here])), 1e-6)
        timbre = np.linalg.norm(beats.mfcc[there] - beats.mfcc[here], axis=1)
        score += p.MATCH_DECAY ** (back // bar) / bar * (harmony - p.MATCH_TIMBRE * timbre)
    score /= sum(p.MATCH_DECAY**k for k in range(p.MATCH_BARS))
    follower = np.minimum(np.arange(count) + 1, count - 1)
    apart = beats.bar[next_target] - beats.bar[follower]
    score -= p.MATCH_MOD_4 * (apart % 4 != 0) + p.MATCH_MOD_8 * (apart % 8 != 0)
    able = np.zeros(count, dtype=bool)
    able[sources] = True
    fits = able[follower] & (beats.position[follower] == beats.position[next_target])
    score[~fits] = -np.inf
    return score


def planned(
    beats: Beats,
    targets: NDArray[np.intp],
    sources: NDArray[np.intp],
    now: int,
    strength: float,
    entropy: list[int],
    silence: bool = False,
) -> NDArray[np.intp]:
    """For each target beat, the beat of the song it should sound like; [targets].

    entropy: seeds the random draw; equal numbers give an equal plan.
    silence: nothing sounds before the first target: it should be a beat that begins with a note.
    """
    rng = np.random.default_rng(np.random.SeedSequence(entropy))
    able = set(sources.tolist())
    like: list[int] = []
    while len(like) < len(targets):
        here = like[-1] if like else now
        score = match_scores(beats, sources, here, int(targets[len(like)]))
        if silence and not like:
            score -= p.START_HELD_MATCH * steps.held(
                beats, np.minimum(np.arange(1, len(beats) + 1), len(beats) - 1)
            )
        start = _drawn(score, sources, rng, p.DRAW_TEMPERATURE + p.DRAW_TEMPERATURE_STRENGTH * strength)
        count = int(beats.bar_beats[start]) * int(rng.choice(p.FOLLOW_BARS))
        for j in range(start + 1, start + 1 + count):
            if j not in able:
                break
            like.append(j)
    return np.array(like[: len(targets)], dtype=np.intp)


def _drawn(
    score: NDArray[np.float64], sources: NDArray[np.intp], rng: np.random.Generator, temperature: float
) -> int:
    """A beat drawn by softmax of its score; if none fits (odd meters), any beat before a source."""
    possible = np.isfinite(score)
    if not possible.any():
        return int(rng.choice(sources)) - 1
    weight = np.exp((score - score[possible].max()) / temperature)
    return int(rng.choice(len(score), p=weight / weight.sum()))


def closing_beat(
    beats: Beats, sources: NDArray[np.intp], tonic_chord: int, envelope: NDArray[np.float32]
) -> int:
    """The best source downbeat to end on: the tonic that rings longest before the next attack."""
    downbeats = sources[beats.position[sources] == 0]
    if len(downbeats) == 0:
        downbeats = sources
    strong = float(np.percentile(envelope, 98)) * p.ATTACK_ONSET if len(envelope) else 0.0
    after = np.arange(0.1, p.CLOSING_LISTEN_SECONDS, 0.01)
    struck = envelope_at(envelope, beats.seconds[downbeats][:, None] + after[None]) > max(strong, 1e-6)
    rings = np.where(struck.any(axis=1), after[struck.argmax(axis=1)], p.CLOSING_LISTEN_SECONDS)
    score = beats.chord[downbeats, tonic_chord] + p.CLOSING_RING * rings / p.CLOSING_LISTEN_SECONDS
    return int(downbeats[int(np.argmax(score))])
