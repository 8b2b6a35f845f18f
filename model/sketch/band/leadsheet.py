"""What the band reads: bars, and a chord for each slot of them, cut into the cells that figures are written for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from model.given_chord import GivenChord
from model.sketch.band.harmony import Chord
from model.sketch.band.key_finding import FoundKey, SongKey, find_key
from model.sketch.band.sung_bars import Bar

Slot = tuple[int, float, float]
"""(index of the bar, first beat in the grid, beats): a stretch with one chord."""

# Changes closer than this, in beats, are one.
_CLOSE = 1e-6

ROOT_WEIGHT = 1.5  # of a chord's root against its other notes, where the key is found from chords


@dataclass(frozen=True)
class Leadsheet:
    """What the band reads: bars, a chord per slot with the slot's first beat and length, and where there is singing.

    sung: [bars], fraction of each bar that is sung.
    closing: index of the bar in which the whole band holds the last chord; -1 if the song continues.
    """

    bars: Sequence[Bar]
    slots: Sequence[Slot]
    chords: Sequence[Chord]
    key: SongKey
    unit: int
    sung: NDArray[np.float64]
    closing: int

    @property
    def beats_per_pulse(self) -> float:
        """Beats of the grid per pulse of a figure: half a beat in 2/2, else one."""
        return 0.5 if self.unit == 2 else 1.0

    def held_beats(self, slot: int) -> float:
        """Beats of the last chord, from its slot: its whole bar, or to where the producer's next chord comes."""
        bar, _, beats = self.slots[slot]
        if self.chords[slot].given is None:
            return float(self.bars[bar].beats)
        for after in range(slot + 1, len(self.slots)):
            if self.slots[after][0] != bar or self.chords[after] != self.chords[slot]:
                break
            beats += self.slots[after][2]
        return float(beats)

    @property
    def compound(self) -> bool:
        """Whether three pulses make one felt beat (6/8, 9/8, 12/8)."""
        return self.unit >= 8 and all(bar.beats % 3 == 0 for bar in self.bars)


@dataclass(frozen=True)
class Cell:
    """Two or three pulses under one chord; one, or a part of one, if nothing else fits.

    begins_chord: whether it opens the bar, or a chord that the producer gave.
    """

    bar: int
    beat: float
    pulses: float
    slot: int
    opens_bar: bool
    begins_chord: bool

    @property
    def most(self) -> float:
        """Pulses of a note that fills it, short of the next."""
        return max(self.pulses - 0.1, self.pulses / 2)

    @property
    def is_short(self) -> bool:
        """Whether a figure for two pulses may have no note in it."""
        return self.pulses < 1


def slots_for(bars: Sequence[Bar], given: Sequence[GivenChord]) -> tuple[list[Slot], list[Chord]]:
    """Slots that change where the producer's chords do, and the chord of each."""
    slots: list[Slot] = []
    chords: list[Chord] = []
    for index, bar in enumerate(bars):
        edges = _edges(bar, given)
        for first, after in pairwise(edges):
            playing = [chord for chord in given if chord.beat <= first + _CLOSE]
            slots.append((index, first, after - first))
            chords.append(Chord.of(playing[-1] if playing else GivenChord(first, "N.C.")))
    return slots, chords


def key_of(slots: Sequence[Slot], chords: Sequence[Chord]) -> FoundKey:
    """The key that chords are most likely in."""
    weights = np.zeros(12)
    for (_, _, beats), chord in zip(slots, chords, strict=True):
        for tone in chord.tones:
            weights[tone] += beats * (ROOT_WEIGHT if tone == chord.root else 1.0)
    roots = [chord.root for chord in chords if not chord.silent]
    return find_key(weights, *((roots[0], roots[-1]) if roots else (None, None)))


def _edges(bar: Bar, given: Sequence[GivenChord]) -> list[float]:
    """Beats at which a bar's slots begin, and its end: where its groups do, and where chords change."""
    first, end = float(bar.first_beat), float(bar.first_beat + bar.beats)
    changes = [chord.beat for chord in given if first + _CLOSE < chord.beat < end - _CLOSE]
    groups = [first + sum(bar.groups[:count]) for count in range(len(bar.groups))]
    kept: list[float] = []
    for edge in sorted([*groups, *changes]):
        if not kept or edge > kept[-1] + _CLOSE:
            kept.append(edge)
    return [*kept, end]


def cell_sizes(pulses: int, compound: bool) -> list[int]:
    """A slot's pulses in twos and threes."""
    if compound and pulses % 3 == 0:
        return [3] * (pulses // 3)
    if pulses % 2 == 0:
        return [2] * (pulses // 2)
    return [3] + [2] * ((pulses - 3) // 2) if pulses >= 3 else [1]


def cells_of(sheet: Leadsheet) -> list[Cell]:
    """All cells, in order."""
    cells = []
    for slot, (bar, first, beats) in enumerate(sheet.slots):
        opening = float(sheet.bars[bar].first_beat)
        chord = sheet.chords[slot]
        new = chord.given is not None and slot > 0 and sheet.chords[slot - 1] != chord
        pulse, beat = (first - opening) / sheet.beats_per_pulse, float(first)
        for number, size in enumerate(_sizes(pulse, beats / sheet.beats_per_pulse, sheet.compound)):
            opens = beat == opening
            cells.append(Cell(bar, beat, size, slot, opens, opens or (new and number == 0)))
            beat += size * sheet.beats_per_pulse
    return cells


def _sizes(start: float, pulses: float, compound: bool) -> Iterator[float]:
    """The cells of a slot that may begin or end between pulses: whole ones stay on the pulses."""
    lead = min(math.ceil(start - _CLOSE) - start, pulses)
    if lead > _CLOSE:
        yield lead
        pulses -= lead
    whole = math.floor(pulses + _CLOSE)
    if whole:
        yield from map(float, cell_sizes(whole, compound))
    if pulses - whole > _CLOSE:
        yield pulses - whole
