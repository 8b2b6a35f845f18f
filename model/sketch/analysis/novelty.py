"""Whether one beat is a copy of another: the peak of their normalised cross-correlation."""

from __future__ import annotations

import functools
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

    Of pairs that may be copies, between the samples as well: what was moved by one sample at 44.1 kHz is a quarter of a
    sample off here, and bright sounds half a sample off are no longer alike.

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
            cross = spectra[some] * own.conj()
            lags = irfft(cross, n=size, axis=1)
            near = np.concatenate([lags[:, -reach:], lags[:, : reach + 1]], axis=1)
            at = near.argmax(axis=1)
            best = near[np.arange(len(some)), at]
            maybe = np.flatnonzero(best >= p.NOVELTY_FINE_FROM)
            if len(maybe):
                best[maybe] = np.maximum(best[maybe], _between_samples(cross[maybe], at[maybe] - reach, size))
            result[row, some] = np.clip(best, 0.0, 1.0)
    return result


def _between_samples(cross: NDArray[np.complex64], lags: NDArray[np.intp], size: int) -> NDArray[np.float32]:
    """The largest correlation less than a sample beside each lag; cross: spectra of correlations [pairs, bins]."""
    turns, beside = _turning(size)
    bins = np.arange(cross.shape[1])
    moved = cross * turns[bins * lags[:, None] % size]
    return np.asarray((moved @ beside).real.max(axis=1), dtype=np.float32)


@functools.lru_cache(maxsize=4)
def _turning(size: int) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    """By what a spectrum of `size` samples is turned, kept as every pair of beats needs it: one sample's turns of each
    bin, [size], and those by which the parts of a sample are read and summed, [bins, parts]."""
    bins = np.arange(size // 2 + 1)
    turns = np.exp(2j * np.pi * np.arange(size) / size)
    weight = np.where((bins == 0) | (2 * bins == size), 1.0, 2.0) / size
    parts = np.arange(1 - p.NOVELTY_FINE_STEPS, p.NOVELTY_FINE_STEPS) / p.NOVELTY_FINE_STEPS
    beside = weight[:, None] * np.exp(2j * np.pi * bins[:, None] * parts / size)
    return turns.astype(np.complex64), beside.astype(np.complex64)
