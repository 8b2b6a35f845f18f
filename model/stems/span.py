"""The stems of a span of a song at the song's own rate and channels, to the frame.

The network has one rate, 44.1 kHz, and two channels. A song of another rate is converted on the way in and back, piece
by piece and always from the same places of the song, so that a region's stems do not depend on where it begins. A mono
song goes in on both channels, and the mean of both comes out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from model.dsp.resample import BEST, resample, resample_pieces
from model.dsp.window import read_window
from model.engine import Samples, Song
from model.pace import Pace
from model.stems.network import Waves
from model.stems.overlap import ChunkNetwork, separated

OVERLAP = 0.25
"""Of each chunk, as the library has it."""

_MARGIN_SECONDS = (
    0.1  # of audio around a span that is converted: longer than the converter's filter at any rate
)
_LEVEL_FRAMES = 1 << 20


@dataclass(frozen=True)
class SongLevel:
    """Mean and standard deviation of a song's mono sum: the network was trained on songs without the one, at the other
    equal to 1."""

    mean: float
    deviation: float


def level_of(song: Song, pace: Pace) -> SongLevel:
    """Of the whole song, so that a region's stems do not depend on the region."""
    total = squares = 0.0
    for first in range(0, song.frames, _LEVEL_FRAMES):
        pace.check()
        mono = song.samples[first : first + _LEVEL_FRAMES].mean(axis=1, dtype=np.float64)
        total += float(mono.sum())
        squares += float(mono @ mono)
    mean = total / max(song.frames, 1)
    return SongLevel(mean, math.sqrt(max(squares / max(song.frames, 1) - mean * mean, 0.0)) + 1e-8)


@dataclass(frozen=True)
class Rates:
    """Where a song's rate and the network's meet: `song` frames of the one last exactly as long as `network` frames of
    the other."""

    song: int
    network: int
    song_rate: int
    network_rate: int

    @classmethod
    def of(cls, song_rate: int, network_rate: int) -> Rates:
        """The shortest stretch that is whole at both rates."""
        common = math.gcd(song_rate, network_rate)
        return cls(song_rate // common, network_rate // common, song_rate, network_rate)

    @property
    def margin(self) -> int:
        """Stretches around a span that are converted with it; 0 where nothing is converted."""
        if self.song_rate == self.network_rate:
            return 0
        return math.ceil(_MARGIN_SECONDS * self.song_rate / self.song)

    def network_frames(self, song_frames: int) -> int:
        """How long a song is for the network."""
        return -(-song_frames * self.network // self.song)


def span_stems(
    network: ChunkNetwork,
    song: Song,
    start: int,
    end: int,
    stems: Sequence[str],
    pace: Pace,
    overlap: float = OVERLAP,
) -> Iterator[dict[str, Samples]]:
    """The stems of the song's frames [start, end), piece by piece and in order; the pieces of all stems are as long.

    Raises RenderStopped on cancellation.
    """
    assert 0 <= start <= end <= song.frames, (start, end, song.frames)
    rates = Rates.of(song.rate, network.rate)
    wanted = [network.sources.index(stem) for stem in stems]
    channels = song.channels
    low = (start // rates.song - rates.margin) * rates.network
    high = (-(-end // rates.song) + rates.margin) * rates.network
    pieces = (
        _interleaved(piece[wanted], channels)
        for piece in _network_span(network, song, rates, low, high, pace, overlap)
    )
    skip = start - low // rates.network * rates.song
    left = end - start
    for piece in resample_pieces(pieces, network.rate, song.rate, BEST):
        dropped, skip = min(skip, len(piece)), skip - min(skip, len(piece))
        kept = piece[dropped : dropped + left]
        left -= len(kept)
        if len(kept):
            yield {
                stem: np.ascontiguousarray(kept[:, number * channels : (number + 1) * channels])
                for number, stem in enumerate(stems)
            }
    assert left == 0, left


def _network_span(
    network: ChunkNetwork, song: Song, rates: Rates, low: int, high: int, pace: Pace, overlap: float
) -> Iterator[Waves]:
    """All stems of the network's frames [low, high), silent outside the song."""
    frames = rates.network_frames(song.frames)
    level = level_of(song, pace)

    def read(first: int, last: int) -> Waves:
        return network_mix(song, rates, level, first, last, frames, pace)

    silence = np.zeros((len(network.sources), 2, max(-low, 0)), np.float32)
    if silence.size:
        yield silence
    for piece in separated(network, read, frames, max(low, 0), min(high, frames), overlap, pace):
        yield piece * np.float32(level.deviation)
    if high > frames:
        yield np.zeros((len(network.sources), 2, high - frames), np.float32)


def network_mix(
    song: Song, rates: Rates, level: SongLevel, first: int, last: int, frames: int, pace: Pace
) -> Waves:
    """The network's frames [first, last) of the song, [2, last - first], at the level it was trained on."""
    low = first // rates.network - rates.margin
    high = -(-last // rates.network) + rates.margin
    given = read_window(song.samples, low * rates.song, high * rates.song)
    here = resample(
        given, rates.song_rate, rates.network_rate, (high - low) * rates.network, check=pace.check
    )
    mix = here[first - low * rates.network : last - low * rates.network].T
    stereo = np.array(np.broadcast_to(mix, (2, last - first)), dtype=np.float32)
    stereo -= np.float32(level.mean)
    stereo /= np.float32(level.deviation)
    stereo[:, : max(min(-first, last - first), 0)] = 0.0
    stereo[:, max(frames - first, 0) :] = 0.0
    return stereo


def _interleaved(stems: Waves, channels: int) -> Samples:
    """[stems, 2, frames] -> [frames, stems x channels], both channels as their mean where the song has one."""
    if channels == 1:
        stems = stems.mean(axis=1, keepdims=True, dtype=np.float32)
    return np.ascontiguousarray(stems.reshape(-1, stems.shape[-1]).T)
