"""Which bars of the song a continuation should resemble: finds places like the current one and what followed them.

Plans in beats of the grid; complete.py later chooses the beats to play by least cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.sketch import parameters as p
from model.sketch.analysis.beats import Beats
from model.sketch.analysis.onsets import envelope_at
from model.sketch.rearrange import steps


@dataclass(frozen=True)
class Standing:
    """Where the song is when the continuation begins.

    beat:  the last relevant beat.
    faded: the song was fading out, and `beat` is before the fade.
    ended: its last notes have rung out, and `beat` is the last one at full level.
    """

    beat: int
    faded: bool = False
    ended: bool = False

    @property
    def goes_back(self) -> bool:
        """Whether `beat` is not the last one that sounds."""
        return self.faded or self.ended


def standing(beats: Beats, first_target: int) -> Standing:
    """Where the song stands before beat `first_target`; before the fade-out or its end, if it fades or ends there."""
    sounding = np.flatnonzero(beats.sounding[:first_target])
    if len(sounding) == 0:
        every = np.flatnonzero(beats.inside)
        return Standing(int(every[0]) if len(every) else 0)
    now = int(sounding[-1])
    inside = np.flatnonzero(beats.inside[:first_target])
    bar = int(beats.bar_beats[now])
    span = p.FADE_OUT_BARS * bar
    last = int(inside[-1]) + 1
    if last < 2 * span or last - now > span:
        return Standing(now)
    # Upper quartiles, because a pause between two beats of a bar is no fade.
    levels = [
        np.percentile(beats.level[last - span + k : last - span + k + bar], 75) for k in range(0, span, bar)
    ]
    before = float(np.percentile(beats.level[last - span - bar : last - span], 75))
    steps = np.diff([before, *levels])
    falls = bool((steps < -p.FADE_OUT_STEP_DB).sum() >= p.FADE_OUT_BARS - 1)
    if not falls or before - levels[-1] < p.FADE_OUT_DB:
        return _after_end(beats, now, last)
    return Standing(_before_fade(beats, last - span, bar), faded=True)


def _after_end(beats: Beats, now: int, last: int) -> Standing:
    """Where the song stands if it does not fade: before the last notes, if silence follows them."""
    if now == last - 1:
        return Standing(now)
    full = float(np.percentile(beats.level[beats.sounding], 75))
    loud = np.flatnonzero(beats.sounding[: now + 1] & (beats.level[: now + 1] > full - p.FADE_OUT_DB))
    end = int(loud[-1]) if len(loud) else now
    rung_out = now - end <= p.RING_OUT_BARS * int(beats.bar_beats[now])
    return Standing(end, ended=True) if end < now and rung_out else Standing(now)


def _before_fade(beats: Beats, suspect: int, bar: int) -> int:
    """The last beat at the song's full level: a fade may begin before the bars that reveal it."""
    full = float(np.percentile(beats.level[beats.sounding], 75))
    loud = np.flatnonzero(beats.sounding[:suspect] & (beats.level[:suspect] > full - p.FADE_OUT_STEP_DB * 2))
    return int(loud[-1]) if len(loud) else max(suspect - bar, 0)


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
