"""From one rate to another, latency-free and to an exact length.

soxr's offline filters are linear-phase and their delay is taken out, so sound stays where it was in time.
"""

from __future__ import annotations

import numpy as np
import soxr

from clip_store.audio.audio import Samples

_QUALITY = "VHQ"


def resample(samples: Samples, from_rate: int, to_rate: int, frames: int) -> Samples:
    """samples [n, channels] at from_rate hertz -> [frames, channels] at to_rate hertz, same dtype.

    What is left over at the end is cut; rounding may leave the last sample of from_rate short, which is
    filled with silence. At equal rates the samples pass unchanged.

    Raises ValueError when the samples end more than one sample of from_rate before `frames`.
    """
    reach = (len(samples) + 1) * to_rate
    if frames * from_rate > reach:
        raise ValueError(
            f"{len(samples)} samples at {from_rate} Hz are too short for {frames} samples at {to_rate} Hz"
        )
    converted: Samples = samples
    if from_rate != to_rate and len(samples):
        converted = soxr.resample(samples, from_rate, to_rate, quality=_QUALITY)
    if len(converted) < frames:
        silence = np.zeros((frames - len(converted), samples.shape[1]), samples.dtype)
        converted = np.concatenate([converted, silence])
    return converted[:frames]
