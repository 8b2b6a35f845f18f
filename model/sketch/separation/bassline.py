"""The bass: one low pitch and its own partials, separated from the mix without drums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.sketch.separation.channel_spectra import Framing, Magnitude, Tick
from model.sketch.separation.pitch_line import (
    Hertz,
    best_line,
    harmonic_salience,
    hertz_of,
    partial_levels,
    read_at,
    salience_level,
)
from model.sketch.separation.separation_parameters import BassParameters


def bass_pitch(
    magnitude: Magnitude, framing: Framing, parameters: BassParameters, tick: Tick
) -> tuple[Hertz, NDArray[np.bool_]]:
    """Pitch in hertz and whether a bass sounds, both per frame."""
    candidates = hertz_of(np.arange(parameters.lowest, parameters.highest, parameters.step))
    top = int(candidates[-1] * parameters.salience_partials / framing.bin_hertz) + 3
    low = salience_level(magnitude[:top])
    salience = harmonic_salience(
        low, framing, candidates, parameters.salience_partials, parameters.partial_fall
    )
    salience -= np.float32(parameters.fifth_weight) * read_at(low, framing, candidates * 1.5)
    tick()
    line = best_line(salience, 4, parameters.move_cost, parameters.jump_cost, tick)
    sounding = salience[line, np.arange(len(line))] > parameters.audible
    return candidates[line], np.asarray(sounding)


def own_levels(
    levels: NDArray[np.float32], sounding: NDArray[np.bool_], smooth_frames: int, parameters: BassParameters
) -> NDArray[np.float32]:
    """The bass's share of the levels at its partials; both [partials, frames]."""
    from scipy.ndimage import median_filter

    smooth = median_filter(levels, (1, smooth_frames), mode="nearest")
    own = np.minimum(smooth, levels)
    first = own[0]
    loud = sounding & (first >= np.percentile(first, 30)) & (first > 0)
    if not loud.any():
        return np.asarray(own * sounding, dtype=np.float32)
    ratios = np.percentile(own[:, loud] / (first[loud] + 1e-9), parameters.timbre_quantile, axis=1)
    numbers = np.arange(1, len(own) + 1)
    allowed = np.minimum(parameters.headroom * ratios, parameters.most_partial / numbers)
    own[1:] = np.minimum(own[1:], allowed[1:, None] * first)
    return np.asarray(own * sounding, dtype=np.float32)


def bass_mask(
    magnitude: Magnitude,
    framing: Framing,
    pitch: Hertz,
    sounding: NDArray[np.bool_],
    parameters: BassParameters,
    tick: Tick,
) -> Magnitude:
    """Fraction of every cell that belongs to the bass at `pitch`, 0..1, given the magnitude without drums.

    Shape [bins, frames].
    """
    levels = partial_levels(magnitude, framing, pitch, parameters.partials)
    own = own_levels(levels, sounding, framing.odd_frames(parameters.smooth_seconds), parameters)
    mask = np.minimum(1, teeth(own, pitch, framing, parameters.tooth_bins) / (magnitude + 1e-9))
    tick()
    mask[int(parameters.ceiling_hertz / framing.bin_hertz) :] = 0
    return np.asarray(mask, dtype=np.float32)


def booming_kick(
    magnitude: Magnitude,
    framing: Framing,
    pitch: Hertz,
    sounding: NDArray[np.bool_],
    parameters: BassParameters,
) -> bool:
    """Whether the low line is one drum: next to a sine, and on one pitch nearly all the time."""
    fundamental, *partials = partial_levels(magnitude, framing, pitch, 4)[:, sounding]
    if not fundamental.any():
        return False
    own = np.percentile(np.array(partials) / (fundamental + 1e-9), parameters.timbre_quantile, axis=1)
    if own.sum() >= parameters.kick_partials:
        return False
    semitones, energy = 12 * np.log2(pitch[sounding]), np.square(fundamental)
    near = [energy[np.abs(semitones - one) < parameters.kick_semitones].sum() for one in np.unique(semitones)]
    return bool(max(near) >= parameters.kick_pitch * energy.sum())


def teeth(levels: NDArray[np.float32], pitch: Hertz, framing: Framing, width: float) -> Magnitude:
    """Spectrum of steady partials [partials, frames], spread by the window's main lobe; [bins, frames]."""
    out = np.zeros((framing.bins, len(pitch)), dtype=np.float32)
    position = (pitch / framing.bin_hertz).astype(np.float32)
    reach = 5  # bins; beyond them the main lobe has ended
    for number, level in enumerate(levels, start=1):
        first = max(int(number * position.min()) - reach, 0)
        last = min(int(number * position.max()) + reach, framing.bins)
        bins = np.arange(first, last, dtype=np.float32)[:, None]
        tooth = level * np.exp(-0.5 * ((bins - number * position) / np.float32(width)) ** 2)
        np.maximum(out[first:last], tooth, out=out[first:last])
    return out
