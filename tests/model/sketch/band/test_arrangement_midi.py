"""MIDI files: read back by mido, with the tempo, meter, key and notes that went in."""

from __future__ import annotations

import io

import mido
import numpy as np
import pytest

from model.sketch.band.arrangement_midi import (
    TICKS_PER_QUARTER,
    Conductor,
    MidiNote,
    MidiTrack,
    Score,
    midi_bytes,
    tempi_from_seconds,
    unoverlapped,
)


def read(score):
    return mido.MidiFile(file=io.BytesIO(midi_bytes(score)))


def beat_times(tempi, beats, quarters_per_beat):
    """Seconds of every beat by mido's arithmetic."""
    times, seconds = [], 0.0
    per_beat = round(quarters_per_beat * TICKS_PER_QUARTER)
    for beat in range(beats):
        times.append(seconds)
        tempo = [us for tick, us in tempi if tick <= beat * per_beat][-1]
        seconds += mido.tick2second(per_beat, TICKS_PER_QUARTER, tempo)
    return np.array(times)


@pytest.mark.parametrize("quarters", [1.0, 0.5, 2.0])
@pytest.mark.parametrize(
    "lengths",
    [np.full(400, 60 / 104), np.linspace(0.6, 0.4, 200), np.repeat([0.61, 0.5, 0.4701], 70)],
    ids=["steady", "ramp", "steps"],
)
def test_every_beat_of_the_file_is_where_the_host_has_it(lengths, quarters):
    seconds = np.concatenate([[3.0], 3.0 + np.cumsum(lengths)])
    tempi = tempi_from_seconds(seconds, quarters)
    found = beat_times(tempi, len(seconds), quarters)
    assert np.abs(found - (seconds - 3.0)).max() < 1.1e-4


def test_a_steady_tempo_is_one_event():
    assert len(tempi_from_seconds(np.arange(600) * 60 / 104, 1.0)) == 1
    assert len(tempi_from_seconds(np.cumsum(np.repeat([0.6, 0.5], 50)), 1.0)) == 2


def test_what_goes_in_comes_out():
    conductor = Conductor(((0, 500000), (960, 400000)), ((0, 3, 4),), "F#m", ((0, "Am"), (1920, "E")), 5760)
    notes = (MidiNote(960, 480, 60, 0.5), MidiNote(0, 960, 64, 1.0))
    file = read(Score(conductor, (MidiTrack("keys", 4, 2, notes),)))
    assert (file.type, file.ticks_per_beat, len(file.tracks)) == (1, TICKS_PER_QUARTER, 2)
    top = file.tracks[0]
    assert [m.tempo for m in top if m.type == "set_tempo"] == [500000, 400000]
    assert [(m.numerator, m.denominator) for m in top if m.type == "time_signature"] == [(3, 4)]
    assert [m.key for m in top if m.type == "key_signature"] == ["F#m"]
    assert [m.text for m in top if m.type == "marker"] == ["Am", "E"]
    assert [sum(m.time for m in track) for track in file.tracks] == [5760, 5760]
    played = file.tracks[1]
    assert played.name == "keys"
    assert [m.program for m in played if m.type == "program_change"] == [4]
    ons = [(m.note, m.velocity, m.channel) for m in played if m.type == "note_on"]
    assert ons == [(64, 127, 2), (60, 64, 2)]


def test_a_note_ends_where_the_next_of_its_pitch_begins():
    kept = unoverlapped(
        [MidiNote(0, 1000, 60, 0.5), MidiNote(480, 100, 60, 0.5), MidiNote(100, 900, 62, 0.5)]
    )
    assert [(n.tick, n.length, n.pitch) for n in kept] == [(0, 480, 60), (100, 900, 62), (480, 100, 60)]


def test_the_same_note_twice_on_a_tick_is_one():
    assert len(unoverlapped([MidiNote(0, 10, 60, 0.5), MidiNote(0, 20, 60, 0.5)])) == 1
