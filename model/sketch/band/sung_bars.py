"""The melody on the host's bars: the pitch classes sung in every bar and half bar.

Grid times are seconds from the first sample of the song; grid positions are beats, as fractional indices into its
arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.engine import Grid
from model.sketch.band.harmony import Slots
from model.sketch.band.melody import HOP_SECONDS, Melody, steady_pitch

Floats = NDArray[np.float64]

# Notes on strong beats belong to the chord more often than passing notes.
DOWNBEAT_WEIGHT = 1.9
MIDDLE_WEIGHT = 1.5

# A region drawn on bar lines may extend a sample or two into the next bar.
EDGE_SECONDS = 0.005

LONG_NOTE_SECONDS = 0.25
# A wavering note, or one the tracker loses briefly, is still one note.
NOTE_GAP_SECONDS = 0.06


@dataclass(frozen=True)
class Bar:
    """One bar of the host's ruler.

    number:       in the host's numbering.
    first_beat:   index of its downbeat in the grid.
    beats:        its length; groups: how they are counted, (2, 2) in 4/4, (3, 3) in 6/8.
    start, end:   seconds.
    """

    number: int
    first_beat: int
    beats: int
    groups: tuple[int, ...]
    start: float
    end: float


def beat_groups(beats: int, unit: int) -> tuple[int, ...]:
    """Splits a bar of `beats` of 1/unit into parts with one chord each: at most two."""
    if unit >= 8 and beats % 3 == 0 and beats >= 6:
        parts = beats // 3
        return (3 * ((parts + 1) // 2), 3 * (parts // 2))
    if beats * 4 / unit < 3.5:
        return (beats,)
    return ((beats + 1) // 2, beats // 2)


def bars_between(grid: Grid, start: float, end: float) -> list[Bar]:
    """All bars that overlap [start, end) seconds, in order, without incomplete bars at the grid's edges."""
    bars = []
    edge = min(EDGE_SECONDS, (end - start) / 4)
    for first in np.flatnonzero(grid.beat_in_bar == 0):
        beats = int(grid.bar_beats[first])
        if first + beats > len(grid.seconds):
            continue
        bar_start, bar_end = float(grid.seconds[first]), beat_time(grid, float(first + beats))
        if bar_start < end - edge and bar_end > start + edge:
            groups = beat_groups(beats, grid.unit)
            bars.append(Bar(int(grid.bar[first]), int(first), beats, groups, bar_start, bar_end))
    return bars


def beat_time(grid: Grid, beat: float) -> float:
    """Time in seconds of a fractional beat index; exact for a steady tempo, smooth within a ramp.

    Beyond the grid the last tempo continues.
    """
    last = len(grid.seconds) - 1
    index = min(max(int(np.floor(beat)), 0), last)
    part = beat - index
    unit_quarters = 4.0 / grid.unit
    slope = 60.0 / float(grid.quarters_per_minute[index]) * unit_quarters
    at = float(grid.seconds[index])
    if part == 0.0:
        return at
    if index == last or part < 0.0:
        return at + part * slope
    length = float(grid.seconds[index + 1]) - at
    following = 60.0 / float(grid.quarters_per_minute[index + 1]) * unit_quarters
    # Only in a ramp is the mean tempo between those at both ends; a step keeps the first tempo until the next beat.
    ramp = min(slope, following) < length * (1 - 1e-6) and max(slope, following) > length * (1 + 1e-6)
    if not ramp:
        return at + part * length
    # Cubic Hermite spline: exact times and tempi at both beats.
    rest = 1.0 - part
    from_here = part * rest * rest * slope + part * part * (3 - 2 * part) * length
    return at + from_here - part * part * rest * following


def slots_of(bars: list[Bar]) -> list[tuple[int, int, int]]:
    """(bar index, first beat in the grid, beats) of every slot, in order."""
    slots = []
    for index, bar in enumerate(bars):
        beat = bar.first_beat
        for beats in bar.groups:
            slots.append((index, beat, beats))
            beat += beats
    return slots


def frame_weights(melody: Melody, grid: Grid) -> tuple[NDArray[np.int64], Floats]:
    """For every frame of the melody: the grid beat that contains it (-1 outside) and its metrical weight."""
    times = np.arange(len(melody.pitch)) * HOP_SECONDS
    beat = np.searchsorted(grid.seconds, times, side="right") - 1
    weight = np.ones(len(grid.seconds))
    weight[grid.beat_in_bar == 0] = DOWNBEAT_WEIGHT
    for index, (within, beats) in enumerate(zip(grid.beat_in_bar, grid.bar_beats, strict=True)):
        groups = beat_groups(int(beats), grid.unit)
        if len(groups) == 2 and within == groups[0]:
            weight[index] = MIDDLE_WEIGHT
    return beat, np.where(beat >= 0, weight[np.maximum(beat, 0)], 0.0)


def sung_slots(melody: Melody, tuning: float, grid: Grid, bars: list[Bar]) -> Slots:
    """What is sung in every slot of `bars`, corrected for the tuning in semitones."""
    plan = slots_of(bars)
    slot_of_beat = np.full(len(grid.seconds) + 1, -1)
    for slot, (_, first, beats) in enumerate(plan):
        slot_of_beat[first : first + beats] = slot
    beat, weight = frame_weights(melody, grid)
    in_slot = np.where(beat >= 0, slot_of_beat[beat], -1)
    classes, clear = pitch_classes(melody, tuning)
    rows = np.zeros((len(plan), 12))
    use = (in_slot >= 0) & clear
    np.add.at(rows, (in_slot[use], classes[use]), (weight * melody.confidence)[use])
    for index, (_, first, beats) in enumerate(plan):
        seconds = beat_time(grid, float(first + beats)) - float(grid.seconds[first])
        mean_weight = float(np.mean([metrical(grid, b) for b in range(first, first + beats)]))
        rows[index] /= max(mean_weight * seconds / HOP_SECONDS, 1e-9)
    bar = np.array([index for index, _, _ in plan])
    opens = np.array([first == bars[index].first_beat for index, first, _ in plan])
    return Slots(np.minimum(rows, 1.0), bar, opens)


def metrical(grid: Grid, beat: int) -> float:
    """Metrical weight of a beat of the grid."""
    if grid.beat_in_bar[beat] == 0:
        return DOWNBEAT_WEIGHT
    groups = beat_groups(int(grid.bar_beats[beat]), grid.unit)
    return MIDDLE_WEIGHT if len(groups) == 2 and grid.beat_in_bar[beat] == groups[0] else 1.0


def pitch_classes(melody: Melody, tuning: float) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """[frames]: the intended pitch class, and whether there is one."""
    pitch = steady_pitch(melody)
    clear = np.isfinite(pitch)
    return np.round(np.nan_to_num(pitch) - tuning).astype(np.int64) % 12, clear


def histogram(melody: Melody, tuning: float, grid: Grid) -> Floats:
    """[12], metrically weighted seconds of every pitch class in the whole melody."""
    _, weight = frame_weights(melody, grid)
    classes, clear = pitch_classes(melody, tuning)
    seconds = np.bincount(classes[clear], (weight * melody.confidence)[clear], 12)[:12] * HOP_SECONDS
    return seconds.astype(np.float64)


def long_notes(melody: Melody, tuning: float) -> list[tuple[float, int]]:
    """(start in seconds, pitch class) of every note held for LONG_NOTE_SECONDS or more."""
    classes, clear = pitch_classes(melody, tuning)
    notes: list[tuple[float, int]] = []
    begun, sung, lost = 0, 0, 0
    current = -1
    for frame in range(len(classes) + 1):
        here = int(classes[frame]) if frame < len(classes) and clear[frame] else -1
        lost = lost + 1 if here == -1 else 0
        if here == current and here != -1:
            sung += 1
        elif here != -1 or lost > NOTE_GAP_SECONDS / HOP_SECONDS or frame == len(classes):
            if current != -1 and sung * HOP_SECONDS >= LONG_NOTE_SECONDS:
                notes.append((begun * HOP_SECONDS, current))
            begun, sung, current = frame, 1, here
    return notes
