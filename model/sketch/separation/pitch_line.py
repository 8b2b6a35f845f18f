"""A monophonic pitch line through a mix: the salience of each pitch, the best line, and its partials.

Used for bass and voice, which differ only in their parameters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.sketch.separation.channel_spectra import Framing, Magnitude, Tick

Hertz = NDArray[np.float64]

# Frames between two ticks in the line search: about 20 ms of work.
FRAMES_PER_TICK = 400


def hertz_of(pitch: NDArray[np.float64]) -> Hertz:
    """Frequencies of MIDI pitches, A4 = 69 = 440 Hz."""
    return np.asarray(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


def read_at(magnitude: Magnitude, framing: Framing, frequencies: Hertz) -> NDArray[np.float32]:
    """Magnitude at `frequencies` [candidates], linear between bins, 0 beyond the last; [candidates, frames]."""
    last = len(magnitude) - 2
    position = frequencies / framing.bin_hertz
    inside = position < last
    low = np.where(inside, position, 0).astype(np.int64)
    part = (np.where(inside, position, 0) - low).astype(np.float32)[:, None]
    value = magnitude[low] * (1 - part) + magnitude[low + 1] * part
    return np.asarray(value * inside[:, None], dtype=np.float32)


def salience_level(magnitude: Magnitude) -> Magnitude:
    """Root of the magnitude, 1 at the peaks of the block's loud frames, so that loud partials do not dominate."""
    level = np.sqrt(magnitude)
    loud = float(np.percentile(level.max(axis=0), 95)) if level.size else 0.0
    return np.asarray(level / (loud + 1e-9), dtype=np.float32)


def harmonic_salience(
    magnitude: Magnitude,
    framing: Framing,
    candidates: Hertz,
    partials: int,
    fall: float,
    between: float = 0.0,
) -> NDArray[np.float32]:
    """How much of the spectrum a tone at each candidate would explain; [candidates, frames].

    Sums the partials weighted by fall^k and subtracts `between` of the magnitude half-way below each partial, which
    penalises candidates an octave off.
    """
    total = np.zeros((len(candidates), magnitude.shape[1]), dtype=np.float32)
    for number in range(1, partials + 1):
        weight = np.float32(fall ** (number - 1))
        total += weight * read_at(magnitude, framing, candidates * number)
        if between:
            gap = number - 0.5 if number > 1 else 1.5
            total -= weight * np.float32(between) * read_at(magnitude, framing, candidates * gap)
    return total


def best_line(
    salience: NDArray[np.float32], reach: int, step_cost: float, jump_cost: float, tick: Tick
) -> NDArray[np.int64]:
    """Candidate index per frame of the line with the most salience (Viterbi).

    A move of up to `reach` candidates costs `step_cost` per candidate; any larger move costs `jump_cost`.
    """
    count, frames = salience.shape
    index = np.arange(count)
    moves = np.arange(-reach, reach + 1)[:, None]
    origin = index + moves
    cost = step_cost * np.abs(moves) + np.where((origin < 0) | (origin >= count), 1e9, 0.0)
    origin = np.clip(origin, 0, count - 1)
    came_from = np.zeros((frames, count), dtype=np.int32)
    value = salience[:, 0].astype(np.float64)
    for frame in range(1, frames):
        offers = value[origin] - cost
        chosen = offers.argmax(axis=0)
        best = offers[chosen, index]
        top = int(value.argmax())
        jumps = value[top] - jump_cost > best
        came_from[frame] = np.where(jumps, top, origin[chosen, index])
        value = np.where(jumps, value[top] - jump_cost, best) + salience[:, frame]
        if frame % FRAMES_PER_TICK == 0:
            tick()
    line = np.empty(frames, dtype=np.int64)
    line[-1] = int(value.argmax())
    for frame in range(frames - 1, 0, -1):
        line[frame - 1] = came_from[frame, line[frame]]
    return line


def comb(
    pitch: Hertz,
    framing: Framing,
    partials: int,
    cents: float,
    least_bins: float,
    ceiling_hertz: float,
    tick: Tick,
) -> Magnitude:
    """Comb with teeth at the multiples of `pitch` [frames], each 1 at its centre; [bins, frames].

    A tooth's half width is `cents` of its own frequency, but at least `least_bins` bins, the window's resolution.
    """
    out = np.zeros((framing.bins, len(pitch)), dtype=np.float32)
    top = min(int(ceiling_hertz / framing.bin_hertz) + 1, framing.bins)
    frequency = (np.arange(top) * framing.bin_hertz).astype(np.float32)[:, None]
    relative, least = np.float32(2 ** (cents / 1200) - 1), np.float32(least_bins * framing.bin_hertz)
    for first in range(0, len(pitch), FRAMES_PER_TICK):
        base = np.maximum(pitch[first : first + FRAMES_PER_TICK], 1.0).astype(np.float32)
        number = np.maximum(np.round(frequency / base), 1)
        centre = number * base
        teeth = np.exp(-0.5 * ((frequency - centre) / np.maximum(centre * relative, least)) ** 2)
        out[:top, first : first + FRAMES_PER_TICK] = np.where(number <= partials, teeth, 0)
        tick()
    return out


def partial_levels(magnitude: Magnitude, framing: Framing, pitch: Hertz, count: int) -> NDArray[np.float32]:
    """Largest magnitude within a bin of each of `count` partials of `pitch` [frames]; [count, frames]."""
    frames = np.arange(len(pitch))
    centre = np.round(np.arange(1, count + 1)[:, None] * pitch / framing.bin_hertz).astype(np.int64)
    near = [magnitude[np.clip(centre + shift, 0, len(magnitude) - 1), frames] for shift in (-1, 0, 1)]
    return np.asarray(np.max(near, axis=0), dtype=np.float32)
