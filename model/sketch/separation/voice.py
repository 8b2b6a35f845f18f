"""The lead voice: one gliding pitch with many partials, near the centre of the stereo image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.sketch.separation.channel_spectra import Framing, Magnitude, Spectra, Tick, joint_magnitude
from model.sketch.separation.percussive import median_along_frequency
from model.sketch.separation.pitch_line import (
    Hertz,
    best_line,
    comb,
    harmonic_salience,
    hertz_of,
    salience_level,
)
from model.sketch.separation.separation_parameters import VoiceParameters

# Of the voice's fundamental: what a bass line has below this is no voice; a fourth below it, clear of its main lobe.
BELOW_FUNDAMENTAL = 0.75


@dataclass(frozen=True)
class VoiceLine:
    """The lead line, frame by frame.

    pitch:    hertz [frames]; continues through rests.
    strength: salience along the line [frames].
    sung:     whether the line sounds [frames].
    """

    pitch: Hertz
    strength: NDArray[np.float32]
    sung: NDArray[np.bool_]


def centredness(spectra: Spectra) -> Magnitude:
    """How close to the centre each cell is: 1 = equal in both channels, 0 = hard left or right; all 1 if mono."""
    if len(spectra) == 1:
        return np.ones(spectra.shape[1:], dtype=np.float32)
    middle = np.abs(spectra[0] + spectra[1])
    side = np.abs(spectra[0] - spectra[1])
    return np.asarray(np.clip(1 - side / (middle + 1e-9), 0, 1), dtype=np.float32)


def voice_line(magnitude: Magnitude, framing: Framing, parameters: VoiceParameters, tick: Tick) -> VoiceLine:
    """Tracks the lead's pitch through `magnitude` [bins, frames]."""
    from scipy.ndimage import uniform_filter1d

    candidates = hertz_of(np.arange(parameters.lowest, parameters.highest, parameters.step))
    level = np.sqrt(magnitude)
    around = uniform_filter1d(level, framing.odd_bins(parameters.contrast_hertz), axis=0)
    level = salience_level(np.maximum(level - parameters.contrast * around, 0) ** 2)
    tick()
    salience = harmonic_salience(
        level,
        framing,
        candidates,
        parameters.salience_partials,
        parameters.partial_fall,
        parameters.between_weight,
    )
    tick()
    line = best_line(salience, 5, parameters.move_cost, parameters.jump_cost, tick)
    strength = salience[line, np.arange(len(line))]
    strength = uniform_filter1d(strength, framing.odd_frames(parameters.smooth_seconds))
    sung = strength > max(parameters.audible * float(np.percentile(strength, 92)), 1e-6)
    return VoiceLine(candidates[line], strength, np.asarray(sung))


def find_voice(
    spectra: Spectra, framing: Framing, parameters: VoiceParameters, tick: Tick
) -> tuple[VoiceLine, Magnitude]:
    """The lead line in spectra without drums and bass, and the fraction of every cell that belongs to it, 0..1."""
    middle = centredness(spectra) ** parameters.middle_power
    tick()
    magnitude = joint_magnitude(spectra)
    top = min(int(11000 / framing.bin_hertz), framing.bins)
    line = voice_line((magnitude * middle)[:top], framing, parameters, tick)
    teeth = comb(
        line.pitch, framing, parameters.partials, parameters.cents, 1.2, parameters.ceiling_hertz, tick
    )
    teeth *= line.sung
    tick()
    facing = facing_voice(spectra, teeth * middle, parameters.most_offset)
    mask = teeth * centredness(facing) ** parameters.middle_power
    return line, np.asarray(mask, dtype=np.float32)


def voice_in_drums(
    drums: Spectra, sung: Magnitude, framing: Framing, span_hertz: float, tick: Tick
) -> Magnitude:
    """Fraction of every cell of the drums that is the voice's after all, 0..1; [bins, frames].

    In windows long enough for chords a gliding voice is as broad as a hit; in these its partials are narrow again
    (Fitzgerald and Gainza 2010), and stand out of what is around them. A hit is as loud beside them as on them.
    """
    magnitude = joint_magnitude(drums)
    around = median_along_frequency(magnitude, framing.odd_bins(span_hertz), tick)
    return np.asarray(sung * np.maximum(1 - around / (magnitude + 1e-9), 0), dtype=np.float32)


def voice_in_bass(bass: Spectra, sung: Magnitude, pitch: Hertz, framing: Framing) -> Magnitude:
    """Fraction of every cell of the bass that is the voice's after all, 0..1; [bins, frames].

    Where nobody plays a bass, its line follows the voice. A bass of its own sounds below the voice's fundamental.
    """
    power = joint_magnitude(bass) ** 2
    bins = (np.arange(framing.bins) * framing.bin_hertz)[:, None]
    below = np.sum(power * (bins < BELOW_FUNDAMENTAL * pitch), axis=0)
    return np.asarray(sung * (1 - below / (power.sum(axis=0) + 1e-12)) ** 2, dtype=np.float32)


def facing_voice(spectra: Spectra, mask: Magnitude, most_offset: float) -> Spectra:
    """Spectra balanced so that what `mask` selects is centred, for a slightly panned voice."""
    if len(spectra) == 1:
        return spectra
    left, right = (float(np.median(_levels(channel, mask))) for channel in spectra)
    if min(left, right) < 1e-9:
        return spectra
    offset = float(np.clip(np.sqrt(left / right), most_offset**-0.5, most_offset**0.5))
    return np.stack([spectra[0] / np.float32(offset), spectra[1] * np.float32(offset)])


def _levels(channel: NDArray[np.complex64], mask: Magnitude) -> NDArray[np.float32]:
    """Root of the selected energy of each frame with a selection; [0.0] if there is none."""
    energy = np.sum(np.abs(channel * mask) ** 2, axis=0)
    chosen = energy[mask.any(axis=0)]
    return np.asarray(np.sqrt(chosen) if chosen.size else np.zeros(1), dtype=np.float32)
