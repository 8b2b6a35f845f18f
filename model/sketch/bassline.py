"""The bass: one low pitch with its partials, taken out of what the drums have left."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.sketch.channel_spectra import Framing, Magnitude, Tick
from model.sketch.pitch_line import (
    Hertz,
    best_line,
    comb,
    harmonic_salience,
    hertz_of,
    read_at,
    salience_level,
)
from model.sketch.separation_parameters import BassParameters


def bass_pitch(
    magnitude: Magnitude, framing: Framing, parameters: BassParameters, tick: Tick
) -> tuple[Hertz, NDArray[np.float32]]:
    """Pitch in hertz and whether a bass sounds (0 or 1), both per frame."""
    candidates = hertz_of(np.arange(parameters.lowest, parameters.highest, parameters.step))
    top = int(candidates[-1] * parameters.salience_partials / framing.bin_hertz) + 3
    low = salience_level(magnitude[:top])
    salience = harmonic_salience(
        low, framing, candidates, parameters.salience_partials, parameters.partial_fall
    )
    salience -= np.float32(parameters.fifth_weight) * read_at(low, framing, candidates * 1.5)
    tick()
    line = best_line(salience, 4, 0.05, 0.6, tick)
    heard = salience[line, np.arange(len(line))] > parameters.audible
    return candidates[line], heard.astype(np.float32)


def bass_mask(magnitude: Magnitude, framing: Framing, parameters: BassParameters, tick: Tick) -> Magnitude:
    """Part of every cell that belongs to the bass, 0..1, given the magnitude without drums; [bins,
    frames]."""
    pitch, heard = bass_pitch(magnitude, framing, parameters, tick)
    teeth = comb(pitch, framing, parameters.partials, parameters.cents, 1.2, parameters.ceiling_hertz)
    tick()
    frequency = (np.arange(framing.bins) * framing.bin_hertz)[:, None]
    fundamental = fundamental_level(magnitude, framing, pitch)
    number = np.maximum(np.round(frequency / pitch), 1)
    allowed = parameters.headroom * fundamental / np.sqrt(number)
    mask = teeth * np.minimum(1, allowed / (magnitude + 1e-9))
    mask = np.maximum(mask, frequency < parameters.below * pitch)
    tick()
    return np.asarray(mask * heard, dtype=np.float32)


def fundamental_level(magnitude: Magnitude, framing: Framing, pitch: Hertz) -> NDArray[np.float32]:
    """Largest magnitude within a bin of the pitch, per frame."""
    centre = np.round(pitch / framing.bin_hertz).astype(np.int64)
    frames = np.arange(len(pitch))
    near = [magnitude[np.clip(centre + shift, 0, framing.bins - 1), frames] for shift in (-1, 0, 1)]
    return np.asarray(np.max(near, axis=0), dtype=np.float32)
