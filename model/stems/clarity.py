"""How clearly each stem stands apart from the others, measured on the stems themselves: nobody has the true ones.

In every cell of time and frequency the stems share the mix's power by their magnitudes. Where a stem has a cell nearly
to itself, what it holds there is hardly another's; where its share is small, what it holds may be bleed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from model.engine import Samples

WINDOW_SECONDS = 0.093  # 4096 samples at 44.1 kHz, the resolution of the network's own spectra


class Clarity:
    """Adds up over the pieces of a render, at any rate."""

    def __init__(self, rate: int) -> None:
        self._frames = int(2 ** round(np.log2(rate * WINDOW_SECONDS)))
        self._window = np.hanning(self._frames + 1)[:-1].astype(np.float32)
        self._claims: dict[str, tuple[float, float]] = {}

    def add(self, stems: Mapping[str, Samples], check: Callable[[], None]) -> None:
        """Counts a piece of all stems, each float32 [frames, channels]. Raises what `check` raises."""
        power = {}
        for stem, samples in stems.items():
            power[stem] = self._power(samples)
            check()
        total = np.sum([np.sqrt(one) for one in power.values()], axis=0) + np.float32(1e-12)
        whole = self._power(np.sum(list(stems.values()), axis=0, dtype=np.float32))
        for stem, one in power.items():
            share = np.sqrt(one) / total
            clear, claimed = self._claims.get(stem, (0.0, 0.0))
            self._claims[stem] = (
                clear + float((share * share * whole).sum()),
                claimed + float((share * whole).sum()),
            )

    def of(self, stem: str) -> float:
        """0..1: 1 = every cell is the stem's alone. 0 for a stem that holds nothing."""
        clear, claimed = self._claims.get(stem, (0.0, 0.0))
        return clear / claimed if claimed > 1e-12 else 0.0

    def _power(self, samples: Samples) -> NDArray[np.float32]:
        """Power spectra of half-overlapping windows, all channels together, [windows, bins]."""
        count = max(-(-len(samples) // (self._frames // 2)) - 1, 1)
        padded = np.zeros(((count + 1) * self._frames // 2, samples.shape[1]), np.float32)
        padded[: min(len(samples), len(padded))] = samples[: len(padded)]
        windows = np.lib.stride_tricks.sliding_window_view(padded, self._frames, axis=0)[:: self._frames // 2]
        spectra = np.fft.rfft(windows * self._window, axis=-1)
        return np.asarray((spectra.real**2 + spectra.imag**2).sum(axis=1), dtype=np.float32)
