"""Cells of any slots, and chords that the producer gave: played exactly, in every style, meter and take."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from model.given_chord import GivenChord
from model.sketch.band import sung_bars
from model.sketch.band.arranger import arrange, choose
from model.sketch.band.leadsheet import Leadsheet, cell_sizes, cells_of, key_of, slots_for
from model.sketch.band.presets import PRESETS
from model.sketch.band.style import instruments_for, read_caption
from tests.model.sketch.singing_machine import make_grid

# What a producer may write, on beats from the first bar: triads, sevenths, slash chords, stacks, pushes and a rest.
GIVEN = (
    ("Am", 0.0, 9, 9, (0, 3, 7)),
    ("F/C", 2.0, 5, 0, (0, 4, 7)),
    ("Bbmaj7", 4.5, 10, 10, (0, 4, 7, 11)),
    ("Cdim", 6.0, 0, 0, (0, 3, 6)),
    ("N.C.", 8.0, 0, 0, ()),
    ("G13", 11.0, 7, 7, (0, 4, 7, 10, 14, 21)),
    ("Eaug", 13.0, 4, 4, (0, 4, 8)),
    ("Dsus4", 14.0, 2, 2, (0, 5, 7)),
)
FOUND_AS = {"Dsus4": 7, "F/C": 9}  # instead of the third; the third of F
THIRDS = (3, 4, 5)


def sheet_of(meter: int, unit: int, closing: int = -1) -> Leadsheet:
    grid = make_grid(8, meter, 110, unit=unit)
    bars = sung_bars.bars_between(grid, 0.0, float(grid.seconds[9 * meter]))
    first = bars[0].first_beat
    given = [GivenChord(first + beat, *rest) for name, beat, *rest in ((n, b, n, *r) for n, b, *r in GIVEN)]
    slots, chords = slots_for(bars, given)
    return Leadsheet(bars, slots, chords, key_of(slots, chords).key, unit, np.ones(len(bars)), closing)


def stretches(sheet: Leadsheet):
    """(first beat, end, chord) of every chord of the sheet, slots of one chord together."""
    rows = zip(sheet.slots, sheet.chords, strict=True)
    for chord, group in itertools.groupby(rows, lambda row: row[1]):
        found = [slot for slot, _ in group]
        yield found[0][1], found[-1][1] + found[-1][2], chord


@pytest.mark.parametrize("caption", [*(preset.name for preset in PRESETS), "sparse", "half-time"])
@pytest.mark.parametrize(("meter", "unit"), [(4, 4), (3, 4), (6, 8)])
def test_every_style_plays_given_chords_and_nothing_else(caption, meter, unit):
    for take, closing in ((0, -1), (3, 7)):
        sheet = sheet_of(meter, unit, closing)
        style = read_caption(caption, meter, 110)
        events = arrange(sheet, style, instruments_for(style, ()), choose(1, take))
        played = [event for event in events if event.instrument != "drums"]
        for first, end, chord in stretches(sheet):
            here = [event for event in played if first - 1e-6 <= event.beat < end - 1e-6]
            classes = {event.pitch % 12 for event in here}
            assert classes <= {*chord.tones, chord.bass} if not chord.silent else not here
            assert all(event.beat + event.beats <= end + 1e-6 for event in here)
            if not chord.silent:
                third = next(step for step in chord.intervals if step in THIRDS)
                assert {chord.root, (chord.root + third) % 12} <= classes, (take, chord.given)
                assert min(event.pitch for event in here) % 12 == chord.bass


def test_slots_change_where_chords_do():
    sheet = sheet_of(4, 4)
    first = sheet.bars[0].first_beat
    assert [slot[1] - first for slot in sheet.slots[:6]] == [0, 2, 4, 4.5, 6, 8]
    assert [chord.given.name for chord in sheet.chords[:6]] == ["Am", "F/C", "F/C", "Bbmaj7", "Cdim", "N.C."]
    before = slots_for(sheet.bars, [GivenChord(first + 4.0, "C", 0, 0, (0, 4, 7))])[1]
    assert before[0].silent
    assert not before[2].silent


def test_cells_keep_to_the_pulses():
    assert cell_sizes(4, False) == [2, 2]
    assert cell_sizes(5, False) == [3, 2]
    assert cell_sizes(6, True) == [3, 3]
    assert cell_sizes(6, False) == [2, 2, 2]
    assert cell_sizes(1, False) == [1]
    cells = cells_of(sheet_of(4, 4))
    assert [cell.pulses for cell in cells[:6]] == [2, 2, 0.5, 0.5, 1, 2]
    assert sum(cell.pulses for cell in cells) == 32


def test_the_key_of_chords():
    sheet = sheet_of(4, 4)
    slots = [(0, 4.0 * number, 4.0) for number in range(4)]
    chosen = [chord for chord in sheet.chords if chord.given.name in ("Am", "F/C")]
    assert key_of(slots[: len(chosen)], chosen).key.name in ("A minor", "F major", "C major")
