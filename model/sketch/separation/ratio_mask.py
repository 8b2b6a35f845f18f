"""Turns rough estimates of every stem into stems that sum exactly to the mix."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from model.engine import Samples
from model.sketch.separation.channel_spectra import Framing, Tick, analyse, joint_magnitude, synthesise

# Frames subtracted at once: float64 copies of a whole song would need more memory than the stems.
CHUNK_FRAMES = 1 << 18


def share_out(
    mix: Samples, estimates: Mapping[str, Samples], framing: Framing, tick: Tick
) -> tuple[dict[str, Samples], dict[str, tuple[float, float]]]:
    """Divides every cell of the mix between the stems in proportion to the estimates' magnitudes.

    Returns all stems but the last (which the caller gets by subtraction) and, for every stem, the pair
    (sum of mask x power x mask, sum of mask x power): their quotient is the confidence that the stem's cells
    belonged to it alone.
    """
    magnitudes = {stem: joint_magnitude(analyse(audio, framing, tick)) for stem, audio in estimates.items()}
    total = np.sum(list(magnitudes.values()), axis=0) + np.float32(1e-12)
    spectra = analyse(mix, framing, tick)
    power = joint_magnitude(spectra) ** 2
    stems: dict[str, Samples] = {}
    claims: dict[str, tuple[float, float]] = {}
    last = list(estimates)[-1]
    for stem, magnitude in magnitudes.items():
        mask = magnitude / total
        claims[stem] = (float(np.sum(mask * mask * power)), float(np.sum(mask * power)))
        tick()
        if stem != last:
            stems[stem] = synthesise(spectra, mask, framing, len(mix), tick)
    return stems, claims


def remainder(source: Samples, *stems: Samples) -> Samples:
    """The source minus the stems.

    Computed in float64, so that the sum is exact to the rounding of one float32.
    """
    rest = np.empty(source.shape, dtype=np.float32)
    for first in range(0, len(source), CHUNK_FRAMES):
        chunk = slice(first, first + CHUNK_FRAMES)
        rest[chunk] = source[chunk] - np.sum([stem[chunk] for stem in stems], axis=0, dtype=np.float64)
    return rest
