"""The leading voice: one gliding pitch with many partials, in the middle of the stereo picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.sketch.channel_spectra import Framing, Magnitude, Spectra, Tick
from model.sketch.pitch_line import Hertz, best_line, comb, harmonic_salience, hertz_of, salience_level
from model.sketch.separation_parameters import VoiceParameters


def centredness(spectra: Spectra) -> Magnitude:
    """How near the middle each cell lies: 1 = equal in both channels, 0 = on one side; all 1 when mono."""
    if len(spectra) == 1:
        return np.ones(spectra.shape[1:], dtype=np.float32)
    middle = np.abs(spectra[0] + spectra[1])
    side = np.abs(spectra[0] - spectra[1])
    return np.asarray(np.clip(1 - side / (middle + 1e-9), 0, 1), dtype=np.float32)


def voice_pitch(
    magnitude: Magnitude, framing: Framing, parameters: VoiceParameters, tick: Tick
) -> tuple[Hertz, NDArray[np.float32]]:
    """Pitch in hertz and whether somebody sings (0 or 1), both per frame."""
    from scipy.ndimage import uniform_filter1d

    candidates = hertz_of(np.arange(parameters.lowest, parameters.highest, parameters.step))
    level = salience_level(magnitude)
    salience = harmonic_salience(
        level,
        framing,
        candidates,
        parameters.salience_partials,
        parameters.partial_fall,
        parameters.between_weight,
    )
    tick()
    line = best_line(salience, 5, 0.05, 0.8, tick)
    strength = uniform_filter1d(salience[line, np.arange(len(line))], 5)
    sung = strength > max(parameters.audible * float(np.percentile(strength, 92)), 1e-6)
    return candidates[line], sung.astype(np.float32)


def voice_mask(
    spectra: Spectra, magnitude: Magnitude, framing: Framing, parameters: VoiceParameters, tick: Tick
) -> Magnitude:
    """Part of every cell that belongs to the voice, 0..1, given spectra without drums and bass; [bins,
    frames]."""
    middle = centredness(spectra)
    tick()
    audible = min(int(10700 / framing.bin_hertz), framing.bins)
    pitch, sung = voice_pitch((magnitude * middle)[:audible], framing, parameters, tick)
    teeth = comb(pitch, framing, parameters.partials, parameters.cents, 1.2, framing.rate / 2)
    tick()
    return np.asarray(teeth * middle * sung, dtype=np.float32)
