"""The kick's own sound, learned from the block itself: a kick sounds alike every time, and a bass line moves.

A short bass note is as sudden as a kick and as low. What tells them apart is repetition: over many hits the median
of what sounds at them is the kick, as the notes of a bass differ from hit to hit (template adaptation, Yoshii, Goto and
Okuno, ISMIR 2004).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.sketch.separation.channel_spectra import Framing, Magnitude
from model.sketch.separation.separation_parameters import KickParameters


def kick_magnitude(sudden: Magnitude, framing: Framing, parameters: KickParameters) -> Magnitude:
    """How much of `sudden` low drums can account for, given the lowest bins without what is held; [bins, frames].

    What the first drum leaves is learned from again, for a kit has toms as well. All of it where there are too few hits
    to learn from.
    """
    found = np.zeros_like(sudden)
    for _ in range(parameters.drums):
        left = np.maximum(sudden - parameters.headroom * found, 0)
        level = left.sum(axis=0)
        hits = hits_in(level, framing, parameters)
        if len(hits) < parameters.least_hits:
            break
        found = np.maximum(found, _one_drum(left, level, hits, framing, parameters))
    return found if found.any() else sudden.copy()


def _one_drum(
    sudden: Magnitude,
    level: NDArray[np.float32],
    hits: NDArray[np.intp],
    framing: Framing,
    parameters: KickParameters,
) -> Magnitude:
    length = framing.odd_frames(parameters.seconds)
    padded = np.pad(sudden, ((0, 0), (2, length + 1)))
    # Firsts of excerpts in `padded`. A frame is long for a drum: its loudest one may be the next, or another drum's.
    places = hits + np.arange(3)[:, None]

    def heard(first: NDArray[np.intp]) -> Magnitude:
        return np.stack([padded[:, frame : frame + length + 1] for frame in first])

    drum = template(heard(places[1]), level[hits])
    own = drum > parameters.own_part * drum.max()
    if not own.any():
        return np.zeros_like(sudden)
    gains = np.array(
        [
            np.percentile(heard(first)[:, own] / drum[own], parameters.gain_quantile, axis=1)
            for first in places
        ],
        dtype=np.float32,
    )
    out = np.zeros_like(padded)
    for hit, best in enumerate(gains.argmax(axis=0)):
        place = slice(places[best, hit], places[best, hit] + length + 1)
        out[:, place] = np.maximum(out[:, place], gains[best, hit] * drum)
    return out[:, 2 : 2 + sudden.shape[1]]


def hits_in(level: NDArray[np.float32], framing: Framing, parameters: KickParameters) -> NDArray[np.intp]:
    """Frames in which the sudden part of the lowest band peaks."""
    from scipy.ndimage import maximum_filter1d

    highest = maximum_filter1d(level, framing.odd_frames(parameters.apart_seconds))
    loud = level > parameters.least_level * np.percentile(level, 98) if level.size else level > 0
    return np.flatnonzero(loud & (level == highest))


def template(heard: Magnitude, weights: NDArray[np.float32]) -> Magnitude:
    """The median of equally loud excerpts [hits, bins, frames], loud ones counting for more; [bins, frames]."""
    equal = heard / weights[:, None, None]
    order = np.argsort(equal, axis=0)
    share = np.cumsum(weights[order], axis=0) / weights.sum()
    middle = (share >= 0.5).argmax(axis=0)[None]
    return np.asarray(np.take_along_axis(equal, np.take_along_axis(order, middle, 0), 0)[0], dtype=np.float32)
