"""Measures of rearranged audio: clicks, texture, onsets against the grid, chroma, copies. Knows songs, no engine."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from model.engine import Samples
from model.sketch import parameters as p
from model.sketch.analysis import onsets
from model.sketch.analysis.spectrum import mel_filters, stft
from tests.model.sketch.songs import Generated

CLICK_HOP = 44  # frames, a millisecond


def bar_beats(made: Generated) -> int:
    return int(made.grid.bar_beats[0])


def lead_beats(made: Generated) -> int:
    """Beats of the grid before the song."""
    return int(np.searchsorted(made.grid.seconds, -1e-9))


def song_bars(made: Generated) -> int:
    return len(made.chords) // bar_beats(made)


def spliced(made: Generated, start: int, mix: Samples) -> Samples:
    """The song with `mix` in place of its frames from `start` on."""
    whole = made.song.samples.copy()
    whole[start : start + len(mix)] = mix[: len(whole) - start]
    return whole


def click_curve(samples: Samples) -> NDArray[np.float64]:
    """Peak of the third difference per millisecond: what a discontinuity shows most in."""
    rough = np.abs(np.diff(samples.mean(axis=1), 3))
    whole = len(rough) // CLICK_HOP * CLICK_HOP
    return np.asarray(rough[:whole].reshape(-1, CLICK_HOP).max(axis=1), dtype=np.float64)


_clicks_of: dict[str, NDArray[np.float64]] = {}


def _own_clicks(made: Generated) -> NDArray[np.float64]:
    """The roughest millisecond of each of the song's 60 ms stretches; kept, as every take is ranked among them."""
    if made.song.digest not in _clicks_of:
        own = click_curve(made.song.samples)
        _clicks_of.clear()
        _clicks_of[made.song.digest] = own[: len(own) // 60 * 60].reshape(-1, 60).max(axis=1)
    return _clicks_of[made.song.digest]


def click_percentiles(made: Generated, whole: Samples, seams: list[int]) -> list[float]:
    """Percentile, among the song's own 60 ms stretches, of the roughest millisecond around each seam."""
    blocks = _own_clicks(made)
    found = []
    for seam in seams:
        around = whole[max(seam - 30 * CLICK_HOP, 0) : seam + 30 * CLICK_HOP]
        found.append(float(np.mean(blocks < click_curve(around).max())))
    return found


def log_mel(samples: Samples, rate: int) -> NDArray[np.float64]:
    mono = np.ascontiguousarray(samples.mean(axis=1))
    filters = mel_filters(rate, 2048, 40, 40.0, 10500.0)
    return np.asarray(10 * np.log10(filters @ np.square(np.abs(stft(mono, 2048, 1024))) + 1e-4).T)


def texture_steps(made: Generated, samples: Samples, bars: list[int]) -> list[float]:
    """Mean band difference (dB) between the bar before and the bar after each bar line."""
    count, rate = bar_beats(made), made.song.rate
    found = []
    for bar in bars:
        if 1 <= bar < song_bars(made) - 1:
            a, b, c = (made.bar_frame(k, count) for k in (bar - 1, bar, bar + 1))
            before, after = (log_mel(samples[x:y], rate).mean(axis=0) for x, y in ((a, b), (b, c)))
            found.append(float(np.abs(before - after).mean()))
    return found


def onset_errors(samples: Samples, made: Generated, start: int, length: int) -> list[float]:
    """Milliseconds between each strong onset and the nearest sixteenth of the grid."""
    import soxr

    mono = soxr.resample(samples.mean(axis=1), made.song.rate, p.ANALYSIS_RATE)
    envelope = onsets.onset_envelope(np.ascontiguousarray(mono, dtype=np.float32), lambda: None)
    strong = np.percentile(envelope, 95)
    peak = (envelope[1:-1] > envelope[:-2]) & (envelope[1:-1] >= envelope[2:]) & (envelope[1:-1] > strong)
    at = np.flatnonzero(peak) + 1
    left, middle, right = envelope[at - 1], envelope[at], envelope[at + 1]
    exact = at + 0.5 * (left - right) / np.minimum(left - 2 * middle + right, -1e-9)
    seconds = start / made.song.rate + exact * p.ONSET_HOP / p.ANALYSIS_RATE + p.ONSET_LAG_SECONDS
    beats = made.grid.seconds
    sixteenths = np.interp(np.arange(0, len(beats) - 1, 0.25), np.arange(len(beats)), beats)
    apart = seconds[:, None] - sixteenths[None]
    nearest = apart[np.arange(len(seconds)), np.abs(apart).argmin(axis=1)] * 1000.0
    inside = (seconds > start / made.song.rate + 0.05) & (seconds < (start + length) / made.song.rate - 0.05)
    return [float(value) for value in nearest[inside]]


def beat_chroma(samples: Samples, rate: int, edges: list[int]) -> NDArray[np.float64]:
    """A plain chroma per beat, not the engine's."""
    rows = []
    for a, b in itertools.pairwise(edges):
        part = samples[a:b].mean(axis=1)
        size = max(16384, 1 << int(np.ceil(np.log2(len(part)))))
        power = np.square(np.abs(np.fft.rfft(part * np.hanning(len(part)), size)))
        hz = np.fft.rfftfreq(size, 1 / rate)
        use = (hz > 100) & (hz < 1500)
        pitch = np.rint(69 + 12 * np.log2(hz[use] / 440)).astype(int) % 12
        row = np.sqrt(np.bincount(pitch, power[use], minlength=12))
        rows.append(row / max(float(np.linalg.norm(row)), 1e-9))
    return np.array(rows)


def beat_correlation(a: Samples, b: Samples, edges: list[int], rate: int) -> list[float]:
    """Highest normalised correlation within +-30 ms of each beat, pre-emphasised, up to 5.5 kHz.

    Above, every hit of a sampled cymbal equals every other, whatever was played.
    """
    import soxr

    low = [soxr.resample(s.mean(axis=1, dtype=np.float64), rate, p.NOVELTY_RATE) for s in (a, b)]
    low = [np.append(s[0], s[1:] - p.NOVELTY_PREEMPHASIS * s[:-1]) for s in low]
    bounds = [round(edge * p.NOVELTY_RATE / rate) for edge in edges]
    reach = round(p.NOVELTY_LAG_SECONDS * p.NOVELTY_RATE)
    found = []
    for first, last in itertools.pairwise(bounds):
        x, y = (s[first:last] for s in low)
        size = 1 << int(np.ceil(np.log2(2 * len(x))))
        lags = np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(y, size).conj(), size)
        near = max(lags[:reach].max(), lags[-reach:].max())
        found.append(float(near / max(np.linalg.norm(x) * np.linalg.norm(y), 1e-12)))
    return found


def flux_at(samples: Samples, rate: int, places: list[int]) -> NDArray[np.float64]:
    """Greatest log-mel flux within 60 ms of each place; [places]."""
    filters = mel_filters(rate, 1024, 40, 40.0, 10500.0)
    reach = round(0.06 * rate) + 1024
    found = []
    for place in places:
        first = max(place - reach, 0)
        mono = np.ascontiguousarray(samples[first : place + reach].mean(axis=1))
        mel = 10 * np.log10(filters @ np.square(np.abs(stft(mono, 1024, 256))) + 1e-4)
        found.append(float(np.maximum(np.diff(mel, axis=1), 0).mean(axis=0)[2:-2].max()))
    return np.array(found)
