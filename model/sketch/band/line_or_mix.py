"""Whether a source is one sung or played line, or several sounds at once.

A pitch tracker finds a clear pitch in a mix as well: that of its bass. So what sounds above the bass is compared with
the harmonics of the pitch that was found: of a line they are nearly all there is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from model.engine import Song
from model.pace import Pace
from model.sketch import parameters as p
from model.sketch.analysis.analysis import mono_copy
from model.sketch.analysis.chroma import BIN_HZ, FIRST_BIN, pitch_spectrogram
from model.sketch.band.melody import HOP_SECONDS, Melody

LEAST_LINE = 0.7
"""Share of what sounds that has one pitch and is explained by it: 0.87 to 0.98 of a dry voice or instrument, 0.7 in a
large room, 0.5 to 0.68 of simple bands, at most 0.5 of produced mixes."""
PURE = 0.9  # what is explained so well is a line, also where most of it is too low to be tracked

_LEVEL = 0.1  # root mean square of the copy that is analysed; spectra have an absolute floor
_EVERY = 3  # spectra: one in 0.14 s
_ABOVE_HZ = 180.0  # below it harmonics of a bass lie so close that they explain anything
_HARMONICS = 12
_CENTS = 45.0
_BELOW_LOUDEST = 10.0 ** (-40.0 / 20.0)
_SURE = 0.5


def spectrogram_of(song: Song, pace: Pace) -> NDArray[np.float32]:
    """Magnitudes of the bins that carry pitch, at a level that does not depend on the song's; [frames, bins]."""
    mono = mono_copy(song, pace)
    mono *= np.float32(_LEVEL / max(float(np.sqrt(np.mean(mono * mono))), 1e-9))
    return pitch_spectrogram(mono, pace.check)


def is_line(line: Melody, explained: float) -> bool:
    """Whether one note sounds at a time. explained: `explained_share`."""
    return explained >= PURE or line.line_share * explained >= LEAST_LINE


def explained_share(line: Melody, spectra: NDArray[np.float32], check: Callable[[], None]) -> float:
    """How much of the peaks above the bass are harmonics of the line's pitch, where it has a clear one: the median of
    its spectra, 0..1; 0 where there is no pitch."""
    frames = np.arange(0, len(spectra), _EVERY)
    at = np.rint(frames * p.CHROMA_HOP / p.ANALYSIS_RATE / HOP_SECONDS).astype(int)
    frames, at = frames[at < len(line.pitch)], at[at < len(line.pitch)]
    clear = (line.confidence[at] > _SURE) & np.isfinite(line.pitch[at])
    shares = []
    for count, (frame, pitch) in enumerate(zip(frames[clear], line.pitch[at][clear], strict=True)):
        if count % 64 == 0:
            check()
        hz, weight = _peaks(spectra[frame])
        if len(hz):
            harmonic = np.clip(np.round(hz / _hz(pitch)), 1, _HARMONICS)
            off = np.abs(1200.0 * np.log2(hz / (harmonic * _hz(pitch))))
            shares.append(float(weight[off < _CENTS].sum() / weight.sum()))
    return float(np.median(shares)) if shares else 0.0


def _hz(pitch: float) -> float:
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


def _peaks(spectrum: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Hz and weight of the peaks of one spectrum above the bass."""
    first = int(_ABOVE_HZ / BIN_HZ) - FIRST_BIN
    middle = spectrum[first:-1]
    least = max(p.CHROMA_FLOOR, float(spectrum.max()) * _BELOW_LOUDEST)
    is_peak = (middle > spectrum[first - 1 : -2]) & (middle >= spectrum[first + 1 :]) & (middle > least)
    at = np.flatnonzero(is_peak) + first
    left, centre, right = (np.log(spectrum[at + step].astype(np.float64) + 1e-9) for step in (-1, 0, 1))
    bend = np.minimum(left - 2.0 * centre + right, -1e-9)
    hz = (at + FIRST_BIN + np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) * BIN_HZ
    return np.asarray(hz, dtype=np.float64), np.asarray(np.exp(centre * p.CHROMA_POWER), dtype=np.float64)
