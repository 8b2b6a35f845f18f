"""The arrangement's MIDI file on the host's bars."""

from __future__ import annotations

import io

import mido
import numpy as np
import pytest

from model.sketch.band import sung_bars
from model.sketch.band.arrangement_file import key_signature, to_midi
from model.sketch.band.arrangement_midi import TICKS_PER_QUARTER
from model.sketch.band.arranger import Event
from model.sketch.band.harmony import Chord
from model.sketch.band.key_finding import SongKey
from model.sketch.band.presets import POP
from tests.model.sketch.singing_machine import make_grid


@pytest.mark.parametrize(
    ("key", "signature"),
    [
        (SongKey(7, "major"), "G"),
        (SongKey(10, "major"), "Bb"),
        (SongKey(6, "minor"), "F#m"),
        (SongKey(2, "dorian"), "Am"),
        (SongKey(7, "mixolydian"), "C"),
        (SongKey(0, "minor"), "Cm"),
    ],
)
def test_the_key_signature_has_the_keys_notes(key, signature):
    assert key_signature(key) == signature


def test_every_key_has_a_signature_mido_knows():
    for mode in ("major", "minor", "dorian", "mixolydian"):
        for tonic in range(12):
            mido.MetaMessage("key_signature", key=key_signature(SongKey(tonic, mode)))


@pytest.mark.parametrize(("beats", "unit"), [(4, 4), (6, 8), (3, 4)])
def test_notes_are_where_the_band_plays_them(beats, unit):
    tempi = np.linspace(100, 130, 4 * beats)
    grid = make_grid(4, beats, tempi, unit)
    first = sung_bars.bars_between(grid, 0.0, 0.1)[0].first_beat
    end = float(grid.seconds[first + 4 * beats])
    bars = sung_bars.bars_between(grid, 0.0, end)
    events = [Event("bass", "bass", 40, first + k * 1.5, 1.0, 0.8) for k in range(2 * beats)]
    events.append(Event("drums", "snare", 0, float(first), 0.25, 1.0))
    marks = [((0, first, beats), Chord(0, "", "I")), ((1, first + beats, beats), Chord(9, "m", "vi"))]
    data = to_midi(grid, bars, events, SongKey(0, "major"), marks, POP, ("drums", "bass"))
    file = mido.MidiFile(file=io.BytesIO(data))
    assert [(m.numerator, m.denominator) for m in file.tracks[0] if m.type == "time_signature"] == [
        (beats, unit)
    ]
    assert [m.text for m in file.tracks[0] if m.type == "marker"] == ["C", "Am"]
    assert [track.name for track in file.tracks] == ["arrangement", "drums", "bass"]
    drum = next(m for m in file.tracks[1] if m.type == "note_on")
    assert (drum.channel, drum.note) == (9, 38)
    seconds, moments = 0.0, []
    for message in file:  # mido plays it: seconds by its own tempo arithmetic
        seconds += message.time
        if message.type == "note_on" and message.channel != 9:
            moments.append(seconds)
    wanted = [sung_bars.beat_time(grid, event.beat) for event in events[:-1]]
    assert np.abs(np.array(moments) - wanted).max() < 0.003
    assert file.ticks_per_beat == TICKS_PER_QUARTER
