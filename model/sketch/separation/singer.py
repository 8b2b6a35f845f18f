"""Decides whether a lead line is sung.

Words move the spectrum in ways that pitch and loudness do not explain, and a singer's pitch glides and wavers where a
keyboard's is steady.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.sketch.separation.channel_spectra import Framing, Magnitude
from model.sketch.separation.pitch_line import partial_levels
from model.sketch.separation.separation_parameters import SingerParameters
from model.sketch.separation.voice import VoiceLine

# Partials the spectrum is read from; higher ones are too weak under a band.
PARTIALS = 24
# Fewer frames than this give no evidence of words.
MIN_FRAMES = 40


@dataclass(frozen=True)
class Timbre:
    """The timbre of a lead where it is clear.

    decibels: its spectrum [points, frames].
    octaves:  its pitch re 220 Hz [frames].
    glides:   whether the pitch moved since the previous frame, but by about a semitone at most [frames].
    """

    decibels: NDArray[np.float64]
    octaves: NDArray[np.float64]
    glides: NDArray[np.bool_]


@dataclass(frozen=True)
class Evidence:
    """For and against a singer in one block.

    share:    the lead line's share of the mix's energy while it sounds.
    movement: dB of spectral movement not explained by pitch and loudness.
    gliding:  fraction of its frames in which the pitch glides.
    """

    share: float
    movement: float
    gliding: float

    def of_a_singer(self, parameters: SingerParameters) -> bool:
        """Whether all three indicate a singer."""
        return (
            self.share >= parameters.least_share
            and self.movement >= parameters.least_movement
            and self.gliding >= parameters.least_gliding
        )


NO_EVIDENCE = Evidence(0.0, 0.0, 0.0)


def timbre_of(
    magnitude: Magnitude, framing: Framing, line: VoiceLine, parameters: SingerParameters
) -> Timbre:
    """Reads the lead's spectrum along its pitch line from `magnitude` [bins, frames]."""
    from scipy.ndimage import uniform_filter1d

    levels = 20 * np.log10(partial_levels(magnitude, framing, line.pitch, PARTIALS).astype(np.float64) + 1e-5)
    at = np.geomspace(parameters.lowest_hertz, parameters.highest_hertz, parameters.points)
    numbers = np.arange(1, PARTIALS + 1)
    # Log frequency, so that the partials' spacing does not depend on a formant's frequency.
    curves = [
        np.interp(np.log(at), np.log(numbers * pitch), level)
        for pitch, level in zip(line.pitch, levels.T, strict=True)
    ]
    decibels = uniform_filter1d(np.array(curves), 5, axis=0).T
    clear = line.sung & (line.strength > parameters.clear * np.percentile(line.strength, 92))
    if clear.any():
        clear &= decibels.mean(axis=0) > np.percentile(decibels.mean(axis=0)[clear], 25)
    octaves = np.log2(line.pitch / 220)
    moved = np.abs(np.diff(octaves, prepend=octaves[:1]))
    return Timbre(decibels[:, clear], octaves[clear], ((moved > 0.01) & (moved < 0.1))[clear])


def gliding(timbre: Timbre) -> float:
    """Fraction of the clear frames in which the pitch glides, 0..1; 0 if there are too few."""
    return float(timbre.glides.mean()) if len(timbre.glides) >= MIN_FRAMES else 0.0


def movement(timbre: Timbre) -> float:
    """Mean standard deviation in dB of the spectrum around the prediction from pitch and loudness.

    0 if there are too few clear frames.
    """
    frames = len(timbre.octaves)
    if frames < MIN_FRAMES:
        return 0.0
    loudness = timbre.decibels.mean(axis=0)
    known = np.stack([np.ones(frames), timbre.octaves, timbre.octaves**2, loudness / 20], axis=1)
    shape = (timbre.decibels - loudness).T
    weights = np.linalg.lstsq(known, shape, rcond=None)[0]
    return float(np.mean(np.std(shape - known @ weights, axis=0)))


def strongest(evidence: Sequence[Evidence], parameters: SingerParameters) -> Evidence:
    """The block with the strongest evidence of a singer: one sung verse suffices, however long the solos are."""
    return max(evidence, key=lambda one: (one.of_a_singer(parameters), one.share), default=NO_EVIDENCE)
