"""Gains that bring takes and original to one loudness, so that the louder one does not win. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from clip_store.measure.gain_match import MAX_GAIN_DB, SILENCE_LUFS

# Smaller differences are inaudible, and what is not turned down plays bit for bit.
MIN_GAIN_DB = 0.1


def matching_gains(loudnesses: Mapping[str, float]) -> dict[str, float]:
    """Gain in dB by name, from loudness in LUFS by name: all are turned down to the quietest, so that none clips.

    Silence is not matched, and nothing is turned down by more than MAX_GAIN_DB.
    """
    audible = [lufs for lufs in loudnesses.values() if lufs > SILENCE_LUFS]
    quietest = min(audible, default=0.0)
    gains = {
        name: max(-MAX_GAIN_DB, quietest - lufs) if lufs > SILENCE_LUFS else 0.0
        for name, lufs in loudnesses.items()
    }
    return {name: round(gain, 2) if abs(gain) >= MIN_GAIN_DB else 0.0 for name, gain in gains.items()}


def factor(db: float) -> float:
    """A gain in dB as a factor; exactly 1 for 0 dB, so that samples pass unchanged."""
    return 1.0 if db == 0.0 else math.pow(10.0, db / 20.0)
