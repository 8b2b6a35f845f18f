"""Checks what a server sent back against what it was sent, and undoes its gain.

Servers round lengths, scale whole files and join at edges of their own, so nothing they say of time or level is
trusted: outside the zone the audio is known, and must be there again, sample by sample, but for one gain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from model.acestep.latent_grid import HOP, MODEL_RATE
from model.dsp.window import read_window
from model.engine import Samples
from model.errors import RenderRejected
from model.remote.order import Order

EDGE_FRAMES = 2
"""Latent frames beside the zone that a server may touch: its own crossfades lie there, up to 50 ms."""
MOST_DIFFERENCE = 1e-4
"""Of the loudest sample outside. Floats keep 1e-7, files of 16 bits 3e-5 at full scale."""
SILENCE = 1e-5
LEAST_GAIN = 1e-3
LEAST_LIKENESS = 0.5
LAG_SAMPLES = 24
MOST_LAG = 48_000
"""Half a millisecond is still the same time; shifts are looked for within a second."""
_BLOCK = 1 << 20
TRY = "Nothing was kept. Update that server, or use another engine."


class OutsideChanged(RenderRejected):
    """Beside the region it is not the song that was sent, or not at its time."""


@dataclass(frozen=True)
class Returned:
    """Audio at the song's own level: float32 [frames, 2] at 48 kHz, as long as the window.

    gain: what the server had multiplied it by, 1 where nothing showed it. difference: outside the zone, of the loudest
    sample there; None where there is nothing to compare.
    """

    samples: Samples
    gain: float
    difference: float | None


def checked(order: Order, found: Samples, rate: int, name: str) -> Returned:
    """What was asked for, out of what came. Raises RenderRejected with what was measured."""
    return _checked(order, found, rate, name, MOST_DIFFERENCE)


def checked_alike(order: Order, found: Samples, rate: int, name: str) -> Returned:
    """The same of a server that gives the outside back through an autoencoder: it must be alike, and not moved."""
    return _checked(order, found, rate, name, None)


def _checked(order: Order, found: Samples, rate: int, name: str, most: float | None) -> Returned:
    """most: what may remain outside of its peak; None: it must only be alike."""
    if rate != MODEL_RATE or found.shape[1] not in (1, 2):
        raise RenderRejected(f"{name} sent audio at {rate} Hz with {found.shape[1]} channels.", TRY)
    if not np.isfinite(found).all():
        raise RenderRejected(f"{name} sent invalid samples (NaN or infinity).", TRY)
    stereo = found if found.shape[1] == 2 else np.repeat(found, 2, axis=1)
    needed = order.window.wanted_frames[1] * HOP
    if len(stereo) < needed:
        raise RenderRejected(f"{name} sent {len(stereo)} samples; the region ends at sample {needed}.", TRY)
    length = order.window.frames * HOP
    if order.sent is None or order.zone is None:
        whole = read_window(stereo, 0, length)
        return Returned(whole if order.sent is None else _at_level(whole, order.sent.scale), 1.0, None)
    sent = order.sent.samples
    gain, difference = _compared(sent, stereo, order.zone, name, most)
    whole = sent * np.float32(gain)  # stands in for a frame that was lost at the end
    whole[: len(stereo)] = stereo[:length]
    _refuse_unchanged(sent, whole, gain, order.zone, name)
    return Returned(_at_level(whole, gain * order.sent.scale), gain, difference)


def _at_level(samples: Samples, scale: float) -> Samples:
    """The samples as they were before they were multiplied by `scale`."""
    return samples if scale == 1.0 else samples / np.float32(scale)


def _outside(frames: int, zone: tuple[int, int]) -> Iterator[slice]:
    """The samples beside a zone and its edges, in blocks."""
    before = max(0, zone[0] - EDGE_FRAMES) * HOP
    for low, high in ((0, min(before, frames)), ((zone[1] + EDGE_FRAMES) * HOP, frames)):
        for first in range(low, high, _BLOCK):
            yield slice(first, min(first + _BLOCK, high))


def _compared(
    sent: Samples, found: Samples, zone: tuple[int, int], name: str, most: float | None
) -> tuple[float, float | None]:
    """The gain by least squares outside the zone, and the largest difference that remains, of the loudest sample."""
    blocks = list(_outside(min(len(sent), len(found)), zone))
    loudest = max((float(np.abs(sent[at]).max()) for at in blocks), default=0.0)
    if loudest < SILENCE:
        return 1.0, None
    power = sum(float(np.einsum("fc,fc->", sent[at], sent[at], dtype=np.float64)) for at in blocks)
    shared = sum(float(np.einsum("fc,fc->", sent[at], found[at], dtype=np.float64)) for at in blocks)
    gain = shared / power
    remains = max(float(np.abs(found[at] - gain * sent[at].astype(np.float64)).max()) for at in blocks)
    difference = remains / (abs(gain) * loudest) if gain else float("inf")
    if most is None:
        _refuse_unlike(sent, found, blocks, name)
    if not LEAST_GAIN < gain < 1 / LEAST_GAIN or (most is not None and difference > most):
        raise OutsideChanged(
            f"{name} moved or changed the song outside of the region: after a gain of {gain:.4g} it differs by "
            f"{difference:.2g} of its peak.",
            TRY,
        )
    return gain, difference


def _refuse_unlike(sent: Samples, found: Samples, blocks: list[slice], name: str) -> None:
    """Outside, it must be the same music at the same time: most alike where it is, and not a little before or after.

    Asked where the song is loudest, of each channel by itself: the sum of both is silent where they cancel out.
    """
    loud = max(blocks, key=lambda at: float(np.einsum("fc,fc->", sent[at], sent[at], dtype=np.float64)))
    was, now = sent[loud].astype(np.float64), found[loud].astype(np.float64)
    size, reach = 2 * len(was), min(MOST_LAG, len(was) - 1)
    spectrum = (np.fft.rfft(now, size, axis=0) * np.conj(np.fft.rfft(was, size, axis=0))).sum(axis=1)
    likeness = np.fft.irfft(spectrum, size) / max(1e-20, float(np.linalg.norm(was) * np.linalg.norm(now)))
    lags = np.concatenate([likeness[size - reach :], likeness[: reach + 1]])
    best = int(np.argmax(lags)) - reach
    if abs(best) > LAG_SAMPLES or likeness[0] < LEAST_LIKENESS:
        raise OutsideChanged(
            f"{name} moved or changed the song outside of the region: its likeness to the song is {likeness[0]:.2f}, "
            f"and {lags.max():.2f} at {best} samples.",
            "Nothing was kept. Check that the workflow keeps the song's time outside of the region.",
        )


def _refuse_unchanged(sent: Samples, whole: Samples, gain: float, zone: tuple[int, int], name: str) -> None:
    part = slice(zone[0] * HOP, zone[1] * HOP)
    was = sent[part] * np.float32(gain)
    loudest = float(np.abs(was).max(initial=0.0))
    if loudest >= SILENCE and float(np.abs(whole[part] - was).max()) <= MOST_DIFFERENCE * loudest:
        raise RenderRejected(f"{name} sent the region back as it was.", "Use another seed or another prompt.")
