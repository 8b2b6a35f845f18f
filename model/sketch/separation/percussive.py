"""Separates sudden broadband sounds from steady narrowband ones: hits, kicks under a bass, and cymbals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.dsp.medians import running_medians
from model.sketch.separation.channel_spectra import Framing, Magnitude, Tick
from model.sketch.separation.separation_parameters import (
    CymbalParameters,
    LowBandParameters,
    PercussiveParameters,
)

# Cells per median call: about 30 ms of work.
CHUNK_CELLS = 80_000


def median_along_time(magnitude: Magnitude, size: int, tick: Tick) -> Magnitude:
    """Running median over `size` frames (odd) of every bin."""
    out = np.empty_like(magnitude)
    rows = max(CHUNK_CELLS // max(magnitude.shape[1], 1), 1)
    for first in range(0, len(magnitude), rows):
        out[first : first + rows] = running_medians(magnitude[first : first + rows], size, axis=1)
        tick()
    return out


def median_along_frequency(magnitude: Magnitude, size: int, tick: Tick) -> Magnitude:
    """Running median over `size` bins (odd) of every frame."""
    out = np.empty_like(magnitude)
    columns = max(CHUNK_CELLS // len(magnitude), 1)
    for first in range(0, magnitude.shape[1], columns):
        block = slice(first, first + columns)
        out[:, block] = running_medians(magnitude[:, block], size, axis=0)
        tick()
    return out


def rising_edge(framing: Framing, low: float, high: float) -> NDArray[np.float32]:
    """0 below `low` Hz, 1 above `high` Hz, linear in log frequency between; [bins, 1]."""
    frequency = np.maximum(np.arange(framing.bins) * framing.bin_hertz, 1.0)
    edge = np.clip(np.log(frequency / low) / np.log(high / low), 0, 1)
    return np.asarray(edge[:, None], dtype=np.float32)


def percussive_mask(
    magnitude: Magnitude, framing: Framing, parameters: PercussiveParameters, tick: Tick
) -> Magnitude:
    """Fraction of every cell that belongs to a hit, 0..1; [bins, frames]."""
    steady = median_along_time(magnitude, framing.odd_frames(parameters.time_seconds), tick)
    sudden = median_along_frequency(magnitude, framing.odd_bins(parameters.span_hertz), tick)
    bright = rising_edge(framing, *parameters.bright_hertz)
    steady *= parameters.beta ** (1 - bright) * parameters.bright_beta**bright
    tick()
    power = sudden**2
    return np.asarray(power / (power + steady**2 + 1e-20), dtype=np.float32)


def drummer_present(magnitude: Magnitude, mask: Magnitude, parameters: PercussiveParameters) -> float:
    """Confidence that there are drums, 0..1, from the energy of apparent hits."""
    hit, whole = float(np.sum((magnitude * mask) ** 2)), float(np.sum(magnitude**2))
    low, high = parameters.present_share
    return float(np.clip((hit / (whole + 1e-20) - low) / (high - low), 0, 1))


def sudden_lows(
    magnitude: Magnitude, framing: Framing, parameters: LowBandParameters, tick: Tick
) -> Magnitude:
    """What is not held of the lowest bins, up to the end of the low band; [low bins, frames]."""
    top = int((parameters.thump_hertz + parameters.fade_hertz) / framing.bin_hertz) + 2
    lows = magnitude[:top]
    held = median_along_time(lows, framing.odd_frames(parameters.time_seconds), tick)
    return np.asarray(np.maximum(lows - held, 0), dtype=np.float32)


def thump_part(magnitude: Magnitude, sudden: Magnitude, kick: Magnitude) -> Magnitude:
    """Fraction of every cell that is a kick's thump, 0..1; 0 above the low band; [bins, frames].

    sudden, kick: of the lowest bins, what is not held and how much of it may be the kick's.
    """
    out = np.zeros_like(magnitude)
    of_kick = np.minimum(kick / (sudden + 1e-9), 1)
    out[: len(sudden)] = np.sqrt(np.minimum(sudden / (magnitude[: len(sudden)] + 1e-9), 1)) * of_kick
    return out


def low_band(framing: Framing, edge_hertz: float, fade_hertz: float) -> NDArray[np.float32]:
    """1 where only kick and bass play, fading to 0 above the edge; [bins, 1]."""
    frequency = np.arange(framing.bins) * framing.bin_hertz
    gain = np.clip((edge_hertz + fade_hertz - frequency) / fade_hertz, 0, 1)
    return np.asarray(gain[:, None], dtype=np.float32)


def cymbal_mask(
    magnitude: Magnitude, framing: Framing, parameters: CymbalParameters, tick: Tick
) -> Magnitude:
    """Fraction of every bright cell that was struck and is decaying, 0..1; for spectra without the voice.

    A struck sound rises far above the level to which the same band falls within `floor_seconds`; a sustained one
    does not.
    """
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    energy = uniform_filter1d(magnitude**2, framing.odd_bins(parameters.span_hertz), axis=0)
    tick()
    reach = framing.odd_frames(parameters.floor_seconds)
    floor = minimum_filter1d(uniform_filter1d(energy, 3, axis=1), reach, axis=1)
    tick()
    floor = uniform_filter1d(floor, reach // 2 | 1, axis=1)
    tick()
    struck = np.sqrt(np.clip(1 - floor / (energy + 1e-12), 0, 1))
    return np.asarray(struck * rising_edge(framing, *parameters.from_hertz), dtype=np.float32)
