"""The arrangement: on the grid, in the chords, with fills, endings and takes that differ."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from model.sketch.band import arranger, sung_bars
from model.sketch.band.arranger import arrange, choose, swung
from model.sketch.band.harmony import Slots, Taste, harmonise
from model.sketch.band.key_finding import SongKey
from model.sketch.band.leadsheet import Leadsheet
from model.sketch.band.presets import INSTRUMENTS, PRESETS
from model.sketch.band.style import read_caption
from tests.model.sketch.singing_machine import make_grid

METERS = [(4, 4), (3, 4), (2, 4), (5, 4), (6, 8), (7, 8), (12, 8), (2, 2), (9, 8)]


def leadsheet(beats=4, unit=4, bars=8, ends=True, sung=None):
    grid = make_grid(bars, beats, 120, unit)
    end = float(grid.seconds[beats]) + bars * beats * 0.5 * 4 / unit
    placed = sung_bars.bars_between(grid, 0.0, end)[:bars]
    plan = sung_bars.slots_of(placed)
    key = SongKey(7, "major")
    opens = np.array([first == placed[bar].first_beat for bar, first, _ in plan])
    slots = Slots(np.zeros((len(plan), 12)), np.array([bar for bar, _, _ in plan]), opens)
    chords = harmonise(slots, key, Taste())
    part = np.full(len(placed), 0.8) if sung is None else np.array(sung)
    return Leadsheet(placed, plan, chords, key, unit, part, len(placed) - 1 if ends else -1)


def style_of(caption="pop", pulses=4):
    return read_caption(caption, pulses, 120)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
@pytest.mark.parametrize(("beats", "unit"), METERS)
def test_every_style_plays_every_meter_on_its_grid(preset, beats, unit):
    sheet = leadsheet(beats, unit)
    events = arrange(sheet, style_of(preset.name), INSTRUMENTS, choose(1, 0))
    first, last = sheet.bars[0].first_beat, sheet.bars[-1].first_beat + sheet.bars[-1].beats
    assert {event.instrument for event in events} == set(INSTRUMENTS)
    assert [event.beat for event in events] == sorted(event.beat for event in events)
    for event in events:
        assert first <= event.beat < last
        assert 0 < event.velocity <= 1
        assert event.beats > 0
        pulse = (event.beat - first) / sheet.beats_per_pulse
        grid_steps = [swung(step / 4, preset.swing) for step in range(4)]
        assert min(abs(pulse % 1 - step) for step in [*grid_steps, 1.0]) < 1e-9
    for bar in sheet.bars:
        there = {event.instrument for event in events if event.beat == bar.first_beat}
        assert "bass" in there or preset.name == "lofi"


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_everybody_plays_notes_of_the_chord_or_walks(preset):
    sheet = leadsheet()
    allowed = {"bass": 2, "keys": 1, "guitar": 1, "pad": 1}
    events = arrange(sheet, style_of(preset.name), INSTRUMENTS, choose(1, 0))
    ends = [first + beats for _, first, beats in sheet.slots]
    for event in events:
        if event.instrument == "drums":
            continue
        slot = int(np.searchsorted(ends, event.beat, side="right"))
        if event.pitch % 12 not in sheet.chords[slot].tones:
            color = preset.color and event.instrument != "bass"
            assert allowed[event.instrument] == 2 or color, event
            assert event.pitch % 12 in sheet.key.scale


def test_the_drummer_fills_every_fourth_bar():
    sheet = leadsheet(ends=False)
    events = [e for e in arrange(sheet, style_of(), ("drums",), choose(1, 0)) if e.sound != "crash"]
    bars = [
        tuple((e.sound, e.beat - bar.first_beat) for e in events if 0 <= e.beat - bar.first_beat < 4)
        for bar in sheet.bars
    ]
    assert bars[0] == bars[1] == bars[2] == bars[4]
    assert bars[3] != bars[0]
    assert bars[7] != bars[0]


def test_before_the_singer_enters_the_drummer_keeps_time_only():
    sheet = leadsheet(sung=[0, 0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9])
    drums = arrange(sheet, style_of(), ("drums",), choose(1, 0))
    intro = [event for event in drums if event.beat < sheet.bars[2].first_beat]
    assert intro
    assert not {event.sound for event in intro} & {"kick", "snare", "clap"}


def test_the_last_bar_is_a_held_chord():
    sheet = leadsheet(ends=True)
    events = arrange(sheet, style_of(), INSTRUMENTS, choose(1, 0))
    last = [event for event in events if event.beat >= sheet.bars[-1].first_beat]
    assert {event.beat for event in last} == {sheet.bars[-1].first_beat}
    assert {event.sound for event in last if event.instrument == "drums"} == {"kick", "crash"}
    assert all(event.beats > 3.5 for event in last if event.instrument != "drums")


def test_sparse_is_fewer_notes_and_half_time_moves_the_snare():
    sheet = leadsheet(ends=False)
    full = arrange(sheet, style_of("pop"), INSTRUMENTS, choose(1, 0))
    assert len(arrange(sheet, style_of("sparse pop"), INSTRUMENTS, choose(1, 0))) < 0.8 * len(full)
    half = arrange(sheet, style_of("half-time rock"), ("drums",), choose(1, 0))
    snares = {
        event.beat % 4 for event in half if event.sound == "snare" and event.beat < sheet.bars[1].first_beat
    }
    assert snares == {(sheet.bars[0].first_beat + 2.0) % 4}


@pytest.mark.parametrize("instruments", [INSTRUMENTS, ("drums",), ("keys",), ("bass",)])
@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_takes_differ_by_construction(preset, instruments):
    sheet = leadsheet()
    takes = [arrange(sheet, style_of(preset.name), instruments, choose(5, take)) for take in range(8)]
    for one, other in itertools.combinations(takes, 2):
        assert one != other
    assert arrange(sheet, style_of(preset.name), instruments, choose(5, 3)) == takes[3]
    assert arrange(sheet, style_of(preset.name), instruments, choose(6, 3)) != takes[3]


def test_neighbouring_takes_differ_in_notes_not_only_in_touch():
    sheet = leadsheet()
    for take in range(7):
        one, other = (
            {
                (e.instrument, e.sound, e.pitch, e.beat)
                for e in arrange(sheet, style_of(), INSTRUMENTS, choose(5, t))
            }
            for t in (take, take + 1)
        )
        assert len(one & other) < 0.8 * len(one | other)


def test_swing_moves_the_off_beats_only():
    assert swung(3.0, 0.1) == 3.0
    assert swung(3.5, 0.1) == pytest.approx(3.6)
    assert swung(0.25, 0.1) == pytest.approx(0.3)
    assert [swung(x, 0.0) for x in (0.25, 1.5)] == [0.25, 1.5]


def test_each_take_has_its_own_height_and_taste():
    assert len(arranger.TAKE_SHIFTS) == len(arranger.TAKE_FAVOURS) == len(set(arranger.TAKE_SHIFTS)) == 8
