"""The voice for someone who wants to keep it: with what it shares with the band, rather than without."""

from __future__ import annotations

import numpy as np

from model.engine import Samples
from model.sketch.separation.channel_spectra import Framing, Tick, analyse, joint_magnitude, synthesise
from model.sketch.separation.separation import Stems
from model.sketch.separation.separation_parameters import DEFAULT, STEM_NAMES

# Power of the voice's share of a cell. At 1, a cell that voice and band share equally keeps half the voice, and two
# thirds of its amplitude remain on the tuning songs; at 0.5 it is four fifths, with 3 to 5 % of the band's energy.
GENEROSITY = 0.5


def generous_voice(stems: Stems, rate: int, tick: Tick) -> Samples:
    """The voice of a separated mix [frames, channels], cells that it shares with the band nearer to whole."""
    if not stems.vocals.any():
        return stems.vocals
    mix: Samples = np.asarray(np.sum([stems.named(name) for name in STEM_NAMES], axis=0), dtype=np.float32)
    framing = Framing.of(rate, DEFAULT.voice.window_seconds)
    spectra = analyse(mix, framing, tick)
    share = joint_magnitude(analyse(stems.vocals, framing, tick)) / (
        joint_magnitude(spectra) + np.float32(1e-9)
    )
    mask = np.clip(share, 0.0, 1.0).astype(np.float32) ** np.float32(GENEROSITY)
    return synthesise(spectra, mask, framing, len(mix), tick)


def kept_share(confidence: float) -> float:
    """Estimated share of the voice's amplitude that stays, from how much of it stands clear of the band; both 0..1."""
    return float(np.clip(confidence, 0.0, 1.0) ** GENEROSITY)
