"""Analyses a song once, for all later stages.

`listen` analyses the audio alone; `on_grid` adds the host's beats. Both read a mono 22.05 kHz copy at -18 LUFS, so that
the song's level, rate and channel count affect no decision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.dsp import loudness
from model.dsp.resample import ANALYSIS, pieces, resample_pieces
from model.engine import Grid, Song
from model.pace import Pace
from model.sketch import parameters as p
from model.sketch.analysis import beats as beat_rows
from model.sketch.analysis import chords, chroma, onsets, sharpness
from model.sketch.analysis.beats import Beats
from model.sketch.analysis.spectrum import frame_count, mel_filters, stft_blocks

STAGE = "analysing the song"

# Seconds of song resampled at once: about 10 ms of work.
_BLOCK_SECONDS = 5


@dataclass(frozen=True)
class Listening:
    """The analysis of the audio alone, before any grid.

    mono:      float32 at 22.05 kHz, -18 LUFS.
    edges:     float32 at 11.025 kHz, pre-emphasised; used to compare two passages.
    mel:       dB [frames of MEL_HOP, 40].
    pitch:     magnitudes [frames of CHROMA_HOP, bins].
    envelope:  onset envelope [frames of ONSET_HOP].
    energy:    K-weighted energy of `mono`, running sum at every LEVEL_STEP samples, float64 [steps + 1].
    sharp:     sharpness at -18 LUFS, linear [steps], of the song at its own rate.
    true_peak: of the unchanged song, linear.
    """

    seconds: float
    mono: NDArray[np.float32]
    edges: NDArray[np.float32]
    mel: NDArray[np.float32]
    pitch: NDArray[np.float32]
    envelope: NDArray[np.float32]
    energy: NDArray[np.float64]
    sharp: NDArray[np.float32]
    true_peak: float


@dataclass(frozen=True)
class Analysis:
    """A song on the host's grid."""

    listening: Listening
    beats: Beats
    phase: onsets.GridPhase
    tuning: float
    key: chords.Key


def mono_copy(
    song: Song, pace: Pace, hear: Callable[[NDArray[np.float32]], object] = lambda _: None
) -> NDArray[np.float32]:
    """The song's channel mean at 22.05 kHz, without DC; float32 [samples], at least one.

    hear: is given the mean at the song's own rate, in consecutive blocks of _BLOCK_SECONDS.
    """
    from scipy.signal import butter, sosfilt

    high_pass = butter(1, p.ANALYSIS_HIGH_PASS_HZ, "highpass", fs=p.ANALYSIS_RATE, output="sos")
    state = np.zeros((len(high_pass), 2))
    parts = [np.zeros(0, np.float32)]

    def blocks() -> Iterator[NDArray[np.float32]]:
        for block in pieces(song.samples, _BLOCK_SECONDS * song.rate, pace.check):
            mono = np.nan_to_num(block.mean(axis=1, dtype=np.float32))
            hear(mono)
            yield mono

    for resampled in resample_pieces(blocks(), song.rate, p.ANALYSIS_RATE, ANALYSIS):
        if len(resampled):  # a filter holds the first samples back, and a song of few has no others
            part, state = sosfilt(high_pass, resampled, zi=state)
            parts.append(part.astype(np.float32))
    found = np.concatenate(parts)
    return found if len(found) else np.zeros(1, np.float32)


def _mel_db(mono: NDArray[np.float32], pace: Pace) -> NDArray[np.float32]:
    filters = mel_filters(p.ANALYSIS_RATE, p.MEL_WINDOW, p.MEL_BANDS, p.MEL_LOW_HZ, p.MEL_HIGH_HZ)
    mel = np.empty((frame_count(len(mono), p.MEL_HOP), p.MEL_BANDS), dtype=np.float32)
    for first, block in stft_blocks(mono, p.MEL_WINDOW, p.MEL_HOP):
        pace.check()
        power = filters @ np.square(np.abs(block))
        mel[first : first + block.shape[1]] = 10.0 * np.log10(power + p.MEL_FLOOR).T
    return mel


def _edges(mono: NDArray[np.float32], pace: Pace) -> NDArray[np.float32]:
    blocks = pieces(mono, _BLOCK_SECONDS * p.ANALYSIS_RATE, pace.check)
    before = np.zeros(1, np.float32)
    parts = [np.zeros(0, np.float32)]
    # Block by block, because a pass over a whole song keeps a cancelled render waiting for a tenth of a second.
    for low in resample_pieces(blocks, p.ANALYSIS_RATE, p.NOVELTY_RATE, ANALYSIS):
        if len(low):
            parts.append(low - np.float32(p.NOVELTY_PREEMPHASIS) * np.concatenate([before, low[:-1]]))
            before = low[-1:]
    return np.concatenate(parts)


def listen(song: Song, pace: Pace) -> Listening:
    """Analyses a song. Raises RenderStopped; polls about every 50 ms of work or more often."""
    pace.at(STAGE, 0.0)
    sharp = [np.zeros(0, np.float32)]
    mono = mono_copy(song, pace, lambda block: sharp.append(sharpness.sharpest(block, song.rate)))
    energy = loudness.power_steps(mono, p.ANALYSIS_RATE, p.LEVEL_STEP, pace.check)
    mono_lufs = loudness.integrated_from_steps(energy, len(mono), p.ANALYSIS_RATE, p.LEVEL_STEP)
    if not math.isfinite(mono_lufs):  # all below the absolute gate, but a very quiet file is music too
        mono_lufs = loudness.to_lufs(float(energy.sum()) / max(len(mono), 1))
    gain = 10.0 ** ((p.ANALYSIS_LUFS - mono_lufs) / 20.0) if math.isfinite(mono_lufs) else 1.0
    mono *= np.float32(gain)
    pace.at(STAGE, 0.35)
    mel = _mel_db(mono, pace)
    pace.at(STAGE, 0.5)
    pitch = chroma.pitch_spectrogram(mono, pace.check)
    envelope = onsets.onset_envelope(mono, pace.check)
    pace.at(STAGE, 0.75)
    edges = _edges(mono, pace)
    peak = loudness.song_true_peak(song.samples, song.rate, pace.check)
    pace.at(STAGE, 1.0)
    return Listening(
        seconds=song.frames / song.rate,
        mono=mono,
        edges=edges,
        mel=mel,
        pitch=pitch,
        envelope=envelope,
        energy=np.concatenate([[0.0], np.cumsum(energy)]) * gain * gain,
        sharp=np.concatenate(sharp) * np.float32(gain),
        true_peak=peak,
    )


def beat_levels(listening: Listening, seconds: NDArray[np.float64]) -> NDArray[np.float32]:
    """K-weighted level of each beat in dB, of the -18 LUFS copy; [beats]."""
    at = np.clip(seconds * p.ANALYSIS_RATE, 0.0, len(listening.mono))
    total = np.interp(at / p.LEVEL_STEP, np.arange(len(listening.energy)), listening.energy)
    mean = np.diff(total) / np.maximum(np.diff(at), 1.0)
    return np.asarray(10.0 * np.log10(np.maximum(mean, 1e-12)), dtype=np.float32)


def on_grid(listening: Listening, grid: Grid, key_name: str | None, pace: Pace) -> Analysis:
    """Adds the host's beats to the audio's analysis; `key_name` as the host gives it, or None."""
    within = (grid.seconds >= 0.0) & (grid.seconds < listening.seconds)
    phase = onsets.playing_phase(listening.envelope, grid.seconds[within])
    seconds = grid.seconds + phase.seconds
    slack = 0.01 + abs(phase.seconds)  # the last beat may miss its last milliseconds
    inside = (seconds[:-1] >= -slack) & (seconds[1:] <= listening.seconds + slack)
    level = beat_levels(listening, seconds)
    sounding = inside & (level > _pause_level(level, inside))
    bass, treble, tuning = chroma.beat_chroma(chroma.beat_medians(listening.pitch, seconds, pace.check))
    key = chords.parse_key(key_name) or chords.estimate_key(treble, bass)
    position = grid.beat_in_bar[:-1]
    pace.check()
    chord = chords.posteriors(chords.emissions(treble, bass, key), chords.change_costs(position))
    pace.check()
    frame_rate = p.ANALYSIS_RATE / p.MEL_HOP
    mel = beat_rows.slot_means(listening.mel, seconds, frame_rate)
    pace.check()
    window = p.MEL_WINDOW / p.ANALYSIS_RATE
    tail, head = beat_rows.frames_beside(listening.mel, seconds[:-1], frame_rate, window)
    pace.check()
    mfcc = beat_rows.scaled(beat_rows.mfcc_rows(listening.mel, seconds, frame_rate), sounding)
    pace.check()
    step = onsets.rises(listening.mono, seconds[:-1])
    pace.check()
    beats = Beats(
        seconds=seconds,
        position=position,
        bar_beats=grid.bar_beats[:-1],
        bar=grid.bar[:-1],
        mel=mel,
        tail=tail,
        head=head,
        step=step,
        mfcc=mfcc,
        bass=bass,
        treble=treble,
        chord=chord,
        level=level,
        onset=beat_rows.onset_strength(
            onsets.envelope_at(listening.envelope, seconds[:-1]), listening.envelope
        ),
        late=onsets.lateness(listening.envelope, seconds[:-1]),
        sharpness=sharpness.at_times(listening.sharp, seconds[:-1]),
        inside=inside,
        sounding=sounding,
    )
    return Analysis(listening, beats, phase, tuning, key)


def _pause_level(level: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """Below this level (dB) a beat is a pause."""
    audible = level[inside & (level > -100.0)]
    return float(np.median(audible)) - p.QUIET_BELOW_MEDIAN_DB if len(audible) else 0.0
