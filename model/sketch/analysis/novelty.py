"""Whether one beat is a copy of another: the peak of their normalised cross-correlation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from model.sketch import parameters as p


def _snippets(
    audio: NDArray[np.float32], starts: NDArray[np.float64], lengths: NDArray[np.int64], size: int
) -> NDArray[np.float32]:
    """Unit-energy beats of `audio`, zero-padded to `size`; [beats, size]."""
    rows = np.zeros((len(starts), size), dtype=np.float32)
    for row, start, length in zip(rows, np.rint(starts * p.NOVELTY_RATE).astype(int), lengths, strict=True):
        first, last = max(start, 0), min(start + int(length), len(audio))
        if first < last:
            row[first - start : last - start] = audio[first:last]
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6))


def correlations(
    edges: NDArray[np.float32],
    seconds: NDArray[np.float64],
    targets: NDArray[np.intp],
    sources: NDArray[np.intp],
    wanted: NDArray[np.bool_],
    check: Callable[[], None],
) -> NDArray[np.float32]:
    """Highest normalised correlation within +-30 ms for each wanted (target, source) beat pair; 0 for the others.

    edges:   pre-emphasised audio at NOVELTY_RATE.
    seconds: beat times [beats + 1]; targets, sources: beat indices; wanted: [targets, sources].
    """
    from scipy.fft import irfft, next_fast_len, rfft

    lengths = np.rint(np.diff(seconds) * p.NOVELTY_RATE).astype(np.int64)
    reach = round(p.NOVELTY_LAG_SECONDS * p.NOVELTY_RATE)
    used = np.concatenate([lengths[targets], lengths[sources]])
    size = next_fast_len(int(used.max()) + reach, real=True)
    result = np.zeros(wanted.shape, dtype=np.float32)
    spectra: NDArray[np.complex64] = np.zeros((len(sources), size // 2 + 1), dtype=np.complex64)
    needed = np.flatnonzero(wanted.any(axis=0))
    for first in range(0, len(needed), 64):
        check()
        some = needed[first : first + 64]
        spectra[some] = rfft(_snippets(edges, seconds[sources[some]], lengths[sources[some]], size), axis=1)
    for row, target in enumerate(targets):
        chosen = np.flatnonzero(wanted[row])
        own = rfft(_snippets(edges, seconds[[target]], lengths[[target]], size), axis=1)
        for first in range(0, len(chosen), 128):
            check()
            some = chosen[first : first + 128]
            lags = irfft(spectra[some] * own.conj(), n=size, axis=1)
            near = np.maximum(lags[:, : reach + 1].max(axis=1), lags[:, -reach:].max(axis=1))
            result[row, some] = np.clip(near, 0.0, 1.0)
    return result
