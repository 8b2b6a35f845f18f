"""How much the arrangement changes at an instant: the bands of the second before it against the second after.

A seam's frames are too short for that: a chorus whose drums are gone continues without a click.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clip_store.audio.audio import Audio, Samples
from clip_store.measure.bands import FLOOR, mel_bands
from model.dsp.window import read_window

SECONDS = 1.0
_FRAME_SECONDS = 0.0465
_LEAST_LINES = 8
_AUDIBLE_DB = 4.0
_CLEARLY = 1.25
_REMEMBERED = 16


@dataclass(frozen=True)
class TextureChange:
    """A change of arrangement at a join.

    position: in samples from the song's first. decibels: mean difference of the bands.
    stands_out: clearly more than at the song's own bar lines, and than there before.
    """

    position: int
    decibels: float
    stands_out: bool


def measure_changes(
    song: Audio, spliced: Audio, lead: int, joins: Sequence[int], bar_lines: Sequence[int]
) -> tuple[TextureChange, ...]:
    """The changes at joins of a splice. lead: samples the song grew at its front.

    joins, bar_lines: in samples from the old song's first. Without eight bar lines nothing can stand out; joins with
    less than a second of the new song on either side are not measured.
    """
    if not joins:
        return ()
    own = _own_changes(song, tuple(bar_lines))
    usual = float(np.percentile(own, 99)) if len(own) >= _LEAST_LINES else np.inf
    found, reach = [], round(SECONDS * song.rate)
    for join in joins:
        if not reach <= join + lead <= spliced.frames - reach:
            continue
        now, before = _change(spliced, join + lead), _change(song, join)
        stands_out = now > _AUDIBLE_DB and now > _CLEARLY * max(usual, before)
        found.append(TextureChange(join, now, bool(stands_out)))
    return tuple(found)


_changes_of_songs: OrderedDict[tuple[str, tuple[int, ...]], NDArray[np.float64]] = OrderedDict()


def _own_changes(song: Audio, bar_lines: tuple[int, ...]) -> NDArray[np.float64]:
    """The song's changes at those of its bar lines that have a second on both sides; kept by the song's digest."""
    name = (song.digest, bar_lines)
    if name not in _changes_of_songs:
        reach = round(SECONDS * song.rate)
        lines = [line for line in bar_lines if reach <= line <= song.frames - reach]
        _changes_of_songs[name] = np.array([_change(song, line) for line in lines])
    while len(_changes_of_songs) > _REMEMBERED:
        _changes_of_songs.popitem(last=False)
    return _changes_of_songs[name]


def _change(audio: Audio, at: int) -> float:
    """Mean difference in dB between the bands before and after a sample."""
    reach = round(SECONDS * audio.rate)
    before, after = (
        _bands(read_window(audio.samples, first, first + reach), audio.rate) for first in (at - reach, at)
    )
    return float(np.abs(after - before).mean())


def _bands(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Mean level in dB of each band over [frames, channels]."""
    frame = 1 << round(float(np.log2(_FRAME_SECONDS * rate)))
    count = len(samples) // frame
    frames = samples[: count * frame].reshape(count, frame, -1)
    # Of the power: of levels in dB, a rest of a few frames would be most of the mean.
    decibels: NDArray[np.float64] = 10 * np.log10(mel_bands(frames, rate).mean(axis=0) + FLOOR)
    return decibels
