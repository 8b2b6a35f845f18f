"""What a song is, from its audio alone: tempo or beats, first downbeat, meter, key, tuning, chords and parts, as a
Blueprint.

Nothing of the host's grid enters. Beats of a tracker, where there are any, take the place of ours. Each finding has its
own confidence; confidence.py says where the figures come from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.blueprint import Blueprint, Section
from model.errors import CannotRender
from model.pace import Pace
from model.sketch import parameters as p
from model.sketch.analysis import beats as beat_rows
from model.sketch.analysis import chords
from model.sketch.analysis.analysis import Listening
from model.sketch.survey import bars as bar_readings
from model.sketch.survey import confidence, heard_beats
from model.sketch.survey.bars import Bars, Level
from model.sketch.survey.chord_finder import find_chords
from model.sketch.survey.heard_beats import Heard
from model.sketch.survey.onset_bands import OnsetBands, onset_bands, strength_at
from model.sketch.survey.pulse_features import PulseFeatures, pulse_features
from model.sketch.survey.sections import find_parts
from model.sketch.survey.steady_pulse import PULSES_FROM, SteadyPulse, find_steady_pulse
from model.sketch.survey.tempogram import TEMPOS, Tempogram, peaks, preference, tempogram
from model.sketch.survey.tracked_pulse import track_pulse

STAGE = "finding tempo and bars"
METHOD = (
    "Tempo from Fourier and autocorrelation tempograms and the phase of the pulse over the whole song (beats by "
    "dynamic programming where it changes); bars from attacks, bass and changes of harmony and sound."
)
METHOD_WITH_EARS = (
    "Beats and bars by Beat This!; the exact tempo from the phase of the pulse over the whole song, or each beat at "
    "its attack where the tempo changes."
)

LEAST_SECONDS = 6.0
_CENTRE, _OCTAVES, _CANDIDATES = 115.0, 0.9, 4
# Of the song, by strength, that must be at a tempo for it to be the song's only one.
_LEAST_SHARE, _SHARE_TOLERANCE = 0.75, 0.02
# Blocks this far below the usual level are before the music; and those that are, by this much, no louder than a lead-in
# whose first half second is well below it.
_SILENT_DB, _LEAD_IN_DB, _ABOVE_LEAD_IN_DB = 35.0, 20.0, 8.0
_BLOCK_SECONDS, _LEAD_IN_BLOCKS = 0.05, 10
_EARLY = 0.25  # of a beat that a first downbeat may come before the music: attacks begin softly
_THIRDS, _EVEN_THIRDS = 1.5, 0.6  # times as strong as halves, and as each other
_FIRST_BARS = 4  # whose tempo is that of a song whose tempo changes
_EXACT_SECONDS = 0.004  # by which the ends of a song may be off the pulse, as attacks are not measured better
_ROUND_TEMPOS = (1.0, 0.5, 0.1, 0.01)


@dataclass(frozen=True)
class Pulses:
    """Pulses of about an eighth: seconds, ascending.

    steady: what they come from; None where the tempo changes. clear: 0..1, the share of tracked beats that are played.
    beat: of these make a beat, where a tracker says so.
    """

    seconds: NDArray[np.float64]
    steady: SteadyPulse | None
    tempogram: Tempogram
    clear: float = 1.0
    beat: int | None = None

    @property
    def rates(self) -> NDArray[np.float64]:
        """Pulses a minute around each window of the tempogram."""
        middles = (self.seconds[1:] + self.seconds[:-1]) / 2.0
        smooth = np.convolve(np.pad(np.diff(self.seconds), 4, mode="edge"), np.ones(9) / 9.0, mode="valid")
        return np.asarray(60.0 / np.interp(self.tempogram.seconds, middles, smooth))


def survey(listening: Listening, pace: Pace, heard: Heard | None = None) -> Blueprint:
    """Surveys an analysed song, with a tracker's beats (usable ones) or without.

    Raises RenderStopped; CannotRender for silence and for less than a few bars.
    """
    if listening.seconds < LEAST_SECONDS:
        raise CannotRender(
            f"The song is {listening.seconds:.1f} s long, too short for a tempo to show.",
            f"Analyse at least {LEAST_SECONDS:g} s, or type the tempo.",
        )
    bands = onset_bands(listening.mono, pace.check)
    if not bands.full.any():
        raise CannotRender(
            "The song is silent or one unbroken sound, so it has no tempo.",
            "Check the file, or type the tempo.",
        )
    pace.at(STAGE, 0.3)
    pulses = find_pulses(bands, pace) if heard is None else pulses_through(heard, bands, pace)
    pace.at(STAGE, 0.6)
    features = pulse_features(pulses.seconds, bands, listening, pace.check)
    pace.check()
    levels = bar_readings.levels(pulses.rates, pulses.tempogram)
    if pulses.beat is not None:
        levels = heard_beats.heard_level_first(levels, pulses.beat)
    beat = pulses.beat or levels[0].pulses
    bars = _bars(heard, pulses, features, beat)
    if beats_fall_in_thirds(bands, pulses.seconds[bars.first % bars.beat :: bars.beat]):
        pulses = in_thirds(pulses, bars)
        features = pulse_features(pulses.seconds, bands, listening, pace.check)
        bars = _bars(heard, pulses, features, 3)
    pace.at(STAGE, 0.8)
    found = _blueprint(listening, pulses, features, levels, bars, pace)
    pace.at(STAGE, 1.0)
    return found


def find_pulses(bands: OnsetBands, pace: Pace) -> Pulses:
    """Steady pulses where one tempo fits all of the song, tracked ones elsewhere."""
    rhythm = bands.rhythm
    overview = tempogram(rhythm, pace.check)
    candidates = peaks(overview.mean * preference(TEMPOS, _CENTRE, _OCTAVES), _CANDIDATES)
    candidates = [tempo for tempo in candidates if overview.share_at(tempo, _SHARE_TOLERANCE) >= _LEAST_SHARE]
    steady = find_steady_pulse(rhythm, candidates, pace.check)
    if steady is not None:
        steady = rounded(steady, bands.seconds)
        return Pulses(steady.times(bands.seconds), steady, overview)
    beats, course, clear = track_pulse(rhythm, pace.check)
    while 60.0 / float(np.median(np.diff(beats))) < PULSES_FROM:
        beats = np.interp(np.arange(2 * len(beats) - 1) / 2.0, np.arange(len(beats)), beats)
    return Pulses(beats, None, course, clear)


def pulses_through(heard: Heard, bands: OnsetBands, pace: Pace) -> Pulses:
    """Pulses through the beats of a tracker, whose octave is kept."""
    overview = tempogram(bands.rhythm, pace.check)
    found = heard_beats.beat_pulses(heard.beats, bands.rhythm, pace.check)
    steady = None if found.steady is None else rounded(found.steady, bands.seconds)
    seconds = found.seconds if steady is None else steady.times(bands.seconds)
    return Pulses(seconds, steady, overview, found.clear, found.beat)


def _bars(heard: Heard | None, pulses: Pulses, features: PulseFeatures, beat: int) -> Bars:
    """The bars of a tracker, or those that stand out."""
    found = None if heard is None else heard_beats.heard_bars(heard.downbeats, pulses.seconds, beat)
    return found or bar_readings.read_bars(features, beat)


def beats_fall_in_thirds(bands: OnsetBands, beats: NDArray[np.float64]) -> bool:
    """Whether notes come at both thirds of the beat rather than at its half. Swing comes at the second third alone."""
    if len(beats) < 8:
        return False
    steps = np.diff(beats)
    first, half, second = (
        float(strength_at(bands.full, beats[:-1] + share * steps).mean()) for share in (1 / 3, 1 / 2, 2 / 3)
    )
    return min(first, second) > max(_THIRDS * half, _EVEN_THIRDS * max(first, second))


def in_thirds(pulses: Pulses, bars: Bars) -> Pulses:
    """Three pulses for each beat of a reading in two or four."""
    start = bars.first % bars.beat
    beats = pulses.seconds[start :: bars.beat]
    seconds = np.interp(np.arange(3 * len(beats) - 2) / 3.0, np.arange(len(beats)), beats)
    steady = pulses.steady
    if steady is not None:
        steady = replace(steady, per_minute=steady.per_minute * 3.0 / bars.beat, first=float(seconds[0]))
    return replace(pulses, seconds=seconds, steady=steady)


def rounded(pulse: SteadyPulse, seconds: float) -> SteadyPulse:
    """The pulse at the roundest tempo within what was measured: people and programs type round numbers.

    The pulse in the middle of the song stays where it is.
    """
    for step in _ROUND_TEMPOS:
        tempo = round(pulse.tempo / step) * step
        if abs(tempo - pulse.tempo) <= pulse.tempo * max(3.0 * pulse.error, _EXACT_SECONDS / seconds):
            per_minute = pulse.per_minute * tempo / pulse.tempo
            middle = round((seconds / 2.0 - pulse.first) * pulse.per_minute / 60.0)
            fixed = pulse.first + middle * 60.0 / pulse.per_minute
            first = (fixed - middle * 60.0 / per_minute) % (60.0 / per_minute)
            return SteadyPulse(per_minute, first, tempo, pulse.error, pulse.wander)
    return pulse


def _blueprint(
    listening: Listening,
    pulses: Pulses,
    features: PulseFeatures,
    levels: list[Level],
    bars: Bars,
    pace: Pace,
) -> Blueprint:
    first = _first_downbeat(pulses.seconds, bars, _music_start(listening))
    lines = pulses.seconds[first % bars.bar :: bars.bar]
    beats: tuple[float, ...] = ()
    if pulses.steady is None:
        counted = _counted_beats(pulses.seconds, first, bars)
        beats = tuple(round(float(time), 4) for time in counted)
    tempo = _tempo(pulses, first, bars)
    other = bar_readings.second_octave(levels)
    scores = chords.key_scores(features.treble, features.bass)
    key = max(scores, key=lambda one: scores[one])
    pace.check()
    found_chords, clear_chords = find_chords(pulses.seconds, features, bars, key)
    sections = _sections(listening, features, lines, first % bars.bar, bars.bar)
    return Blueprint(
        tempo=round(tempo, 3),
        other_tempo=None if other is None else round(tempo * other.tempo / levels[0].tempo, 3),
        key=str(key),
        meter=bars.meter,
        downbeat=round(max(float(pulses.seconds[first]), 0.0), 5),
        beats=beats,
        tuning=round(100.0 * features.tuning, 1),
        sections=sections,
        chords=found_chords,
        confidence={
            "tempo": confidence.of_tempo(pulses.steady, listening.seconds, pulses.clear),
            "octave": confidence.of_octave(levels),
            "downbeat": confidence.of_downbeat(bars),
            "meter": confidence.of_meter(bars),
            "key": confidence.of_key(scores),
            "chords": confidence.of_chords(clear_chords),
        },
    )


def _counted_beats(pulses: NDArray[np.float64], first: int, bars: Bars) -> NDArray[np.float64]:
    """Beats as the meter counts them; `first`, a downbeat, is one of them."""
    steps = np.arange(-int(first / bars.counted), int((len(pulses) - 1 - first) / bars.counted) + 1)
    return np.asarray(np.interp(first + steps * bars.counted, np.arange(len(pulses)), pulses))


def _tempo(pulses: Pulses, first: int, bars: Bars) -> float:
    """Quarter notes a minute where the music begins."""
    if pulses.steady is not None:
        return pulses.steady.per_minute / bars.quarter
    steps = np.diff(pulses.seconds[first : first + _FIRST_BARS * bars.bar + 1])
    return 60.0 / (float(np.mean(steps if len(steps) else np.diff(pulses.seconds))) * bars.quarter)


def _music_start(listening: Listening) -> float:
    """Seconds of the first sound near the song's usual level."""
    step = max(round(_BLOCK_SECONDS * p.ANALYSIS_RATE / p.LEVEL_STEP), 1)
    level = 10.0 * np.log10(np.maximum(np.diff(listening.energy[::step]), 1e-12))
    sounding = level[level > float(level.max(initial=-120.0)) - 90.0]
    if not len(sounding):
        return 0.0
    usual = float(np.median(sounding))
    least = usual - _SILENT_DB
    lead_in = float(level[:_LEAD_IN_BLOCKS].max())
    if lead_in < usual - _LEAD_IN_DB:
        least = max(least, lead_in + _ABOVE_LEAD_IN_DB)
    return float(np.argmax(level > least)) * step * p.LEVEL_STEP / p.ANALYSIS_RATE


def _first_downbeat(pulses: NDArray[np.float64], bars: Bars, start: float) -> int:
    """Index of the pulse that begins the first whole bar of the music."""
    lines = np.arange(bars.first, len(pulses), bars.bar)
    beat = float(np.median(np.diff(pulses))) * bars.beat
    late = np.flatnonzero(pulses[lines] >= start - _EARLY * beat)
    return int(lines[late[0]]) if len(late) else bars.first


def _sections(
    listening: Listening, features: PulseFeatures, lines: NDArray[np.float64], first: int, bar: int
) -> tuple[Section, ...]:
    """Parts of the song between bar lines; what comes before the first and after the last line belongs to its
    neighbour."""
    if len(lines) < 3:
        return ()
    sound = beat_rows.slot_means(listening.mel, lines, p.ANALYSIS_RATE / p.MEL_HOP)
    harmony = np.concatenate([features.bass, features.treble], axis=1)[first:]
    count = len(lines) - 1
    harmony = np.array([harmony[at * bar : (at + 1) * bar].mean(axis=0) for at in range(count)])
    parts = find_parts(sound.astype(np.float64), harmony.astype(np.float64))
    edges = [*(float(lines[part.first]) for part in parts), listening.seconds]
    edges[0] = 0.0
    return tuple(
        Section(part.name, round(start, 4), round(end, 4), round(part.clear, 2))
        for part, start, end in zip(parts, edges[:-1], edges[1:], strict=True)
        if end > start
    )
