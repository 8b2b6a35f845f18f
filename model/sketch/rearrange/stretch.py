"""Fits source beats to target beats of other lengths: notes with a phase vocoder, hits with short grains.

The sound is split first (median filtering, Fitzgerald 2010), because a vocoder smears hits and grains roughen notes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from model.dsp.medians import running_medians
from model.engine import Samples
from model.sketch import parameters as p
from model.sketch.analysis.spectrum import hann, istft, stft
from model.sketch.rearrange.tape import Moved, Tape

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Maps target seconds to source seconds."""


def window_length(rate: int) -> int:
    """Frames of the vocoder's window: the power of two nearest 93 ms."""
    return int(2 ** round(np.log2(p.STRETCH_WINDOW_SECONDS * rate)))


def warp(sources: NDArray[np.float64], targets: NDArray[np.float64]) -> Curve:
    """Piecewise linear through the beats, unstretched outside them."""

    def at(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = np.interp(seconds, targets, sources)
        before = np.minimum(seconds - targets[0], 0.0)
        after = np.maximum(seconds - targets[-1], 0.0)
        return np.asarray(inside + before + after, dtype=np.float64)

    return at


def split_hits(audio: Samples, rate: int, check: Callable[[], None]) -> tuple[Samples, Samples]:
    """(notes, hits) of [frames, channels], which sum to the audio; one mask for all channels."""
    n = window_length(rate) // 2
    hop = n // 4
    spectra = [stft(np.ascontiguousarray(channel), n, hop) for channel in audio.T]
    check()
    magnitude = np.sqrt(sum(np.square(np.abs(spectrum)) for spectrum in spectra))
    # Every other frame is enough: the windows of both neighbours cover the one between.
    mask = _hit_mask(np.ascontiguousarray(magnitude[:, ::2], dtype=np.float32), rate, n, 2 * hop, check)
    mask = mask.repeat(2, axis=1)[:, : magnitude.shape[1]]
    hits = np.stack([istft(spectrum * mask, n, hop, len(audio)) for spectrum in spectra], axis=1)
    return audio - hits, hits


def _hit_mask(
    magnitude: NDArray[np.float32], rate: int, n: int, hop: int, check: Callable[[], None]
) -> NDArray[np.float32]:
    """How much of each time-frequency cell belongs to hits, 0..1; in blocks of frames, so that it can be cancelled."""
    along = 2 * round(p.SPLIT_TIME_SECONDS * rate / hop / 2) + 1
    across = 2 * round(p.SPLIT_SPAN_HZ * n / rate / 2) + 1
    mask = np.empty_like(magnitude)
    frames = magnitude.shape[1]
    for first in range(0, frames, _BLOCK):
        check()
        low, high = max(first - along, 0), min(first + _BLOCK + along, frames)
        block = magnitude[:, low:high]
        notes = np.square(running_medians(block, along, axis=1))
        hits = np.square(running_medians(block, across, axis=0))
        here = slice(first - low, first - low + _BLOCK)
        mask[:, first : first + _BLOCK] = (hits / (notes + hits + 1e-12))[:, here]
    return mask


_BLOCK = 64


def stretched(
    tape: Tape,
    rate: int,
    sources: NDArray[np.float64],
    targets: NDArray[np.float64],
    check: Callable[[], None],
) -> Moved:
    """A tape on which the beats at `sources` (seconds of `tape`) play at `targets` (seconds).

    It includes half a second before and after, unstretched, for joins.
    """
    curve = warp(sources, targets)
    margin = p.STRETCH_MARGIN_SECONDS
    start, end = round((targets[0] - margin) * rate), round((targets[-1] + margin) * rate)
    # Outside the beats nothing is stretched: beyond the margin only the windows and the medians reach.
    reach = margin + p.STRETCH_WINDOW_SECONDS + p.SPLIT_TIME_SECONDS
    first = round((sources[0] - reach) * rate)
    last = round((sources[-1] + reach) * rate)
    material = tape.read(first, last)
    notes, hits = split_hits(material, rate, check)

    def source_frames(frames: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(curve((frames + start) / rate) * rate - first, dtype=np.float64)

    out = vocode(notes, source_frames, end - start, window_length(rate), check)
    out += regrain(hits, source_frames, end - start, max(round(p.STRETCH_GRAIN_SECONDS * rate / 2), 1) * 2)
    return Moved(out, -start)


def _padded(audio: Samples, n: int) -> Samples:
    """The audio with n zeros on each side, as _frames_at expects it."""
    return np.pad(audio, ((n, n), (0, 0)))


def _frames_at(padded: Samples, centres: NDArray[np.int64], n: int) -> NDArray[np.float32]:
    """Windows of n samples around each centre of the padded audio, [centres, n, channels]; zeros outside."""
    rows = np.clip(centres - n // 2 + n, 0, len(padded) - n)
    return np.asarray(padded[rows[:, None] + np.arange(n)[None]], dtype=np.float32)


def _frame_at(lines: Samples, centre: int, n: int) -> Samples:
    """One window of padded audio [channels, frames], [channels, n]: a view, as windows are taken one by one."""
    row = min(max(centre - n // 2 + n, 0), lines.shape[1] - n)
    return lines[:, row : row + n]


def vocode(audio: Samples, source_frames: Curve, length: int, n: int, check: Callable[[], None]) -> Samples:
    """`length` frames of audio read along a curve (source frame of target frame) at unchanged pitch.

    Phases are locked to the spectral peaks of the channel sum (Laroche and Dolson 1999). All channels rotate by the
    same angle, which preserves the stereo image.
    """
    from scipy.fft import irfft, rfft

    hop = n // 4
    window = hann(n)
    lines = np.ascontiguousarray(_padded(audio, n).T)
    centres = np.arange(0, length + n // 2, hop)
    at = np.rint(source_frames(centres.astype(np.float64))).astype(np.int64)
    out = np.zeros((audio.shape[1], length + 2 * n), dtype=np.float32)
    weight = np.zeros(length + 2 * n, dtype=np.float32)
    turn = np.ones(n // 2 + 1, dtype=np.complex64)
    before: NDArray[np.complexfloating] | None = None
    for k, centre in enumerate(centres):
        check()
        spectrum = rfft(_frame_at(lines, int(at[k]), n) * window, axis=1)
        middle = spectrum.sum(axis=0)
        moved_on = k > 0 and abs(int(at[k] - at[k - 1]) - hop) <= 1
        if before is not None and not moved_on:
            lagged = _frame_at(lines, int(at[k]) - hop, n)
            # The phase that follows on from the frame before, less this frame's own: the angles of the middle cancel.
            own = before * rfft(lagged.sum(axis=0) * window).conj() * turn
            power = np.abs(own)
            own[power < _NO_POWER] = 1.0  # in silence no phase is lost
            turn = _locked(np.abs(middle), own / np.where(power < _NO_POWER, np.float32(1.0), power))
        before = middle
        out[:, centre : centre + n] += irfft(spectrum * turn, n=n, axis=1) * window
        weight[centre : centre + n] += window * window
    body = slice(n // 2, n // 2 + length)
    return np.ascontiguousarray((out[:, body] / np.maximum(weight[body], 1e-4)).T, dtype=np.float32)


_NO_POWER = np.float32(1e-30)


def _locked(
    magnitude: NDArray[np.floating], turn: NDArray[np.complexfloating]
) -> NDArray[np.complexfloating]:
    """Each bin's turn (a complex number of length 1) replaced by that of the nearest spectral peak."""
    middle = magnitude[2:-2]
    is_peak = (middle >= magnitude[1:-3]) & (middle >= magnitude[3:-1])
    is_peak &= (middle >= magnitude[:-4]) & (middle >= magnitude[4:])
    peaks = np.flatnonzero(is_peak) + 2
    if len(peaks) == 0:
        return turn
    borders = (peaks[1:] + peaks[:-1]) // 2
    return np.asarray(np.repeat(turn[peaks], np.diff([0, *(borders + 1), len(turn)])))


def regrain(audio: Samples, source_frames: Curve, length: int, grain: int) -> Samples:
    """`length` frames of audio from overlapping grains read along the curve, so hits keep their shape.

    Uncorrelated neighbouring grains (noise from different places) would lose up to 3 dB in the sum; the gains
    compensate by the correlation of each pair.
    """
    hop = grain // 2
    centres = np.arange(0, length + 2 * hop, hop)
    at = np.rint(source_frames(centres.astype(np.float64))).astype(np.int64)
    grains = _frames_at(_padded(audio, grain), at, grain)
    falling, rising = grains[:-1, hop:], grains[1:, :hop]  # [pairs, hop, channels], the overlapping halves
    product = np.einsum("kfc,kfc->k", falling, rising)
    energy = np.einsum("kfc,kfc->k", falling, falling) * np.einsum("kfc,kfc->k", rising, rising)
    alike = np.clip(product / np.sqrt(np.maximum(energy, 1e-20)), 0.0, 1.0)
    rise = hann(grain)[:hop]
    fall = 1.0 - rise
    level = np.sqrt(rise**2 + fall**2 + 2.0 * alike[:, None] * (rise * fall)[None])
    mixed = (falling * fall[None, :, None] + rising * rise[None, :, None]) / level[:, :, None]
    return np.asarray(mixed.reshape(-1, audio.shape[1])[:length], dtype=np.float32)
