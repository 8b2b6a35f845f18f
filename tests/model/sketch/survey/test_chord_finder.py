"""Chords on the beats of a song, from its pulses."""

from __future__ import annotations

import numpy as np

from model.sketch.analysis import chords
from model.sketch.analysis.chords import Key
from model.sketch.survey.bars import Bars
from model.sketch.survey.chord_finder import find_chords
from model.sketch.survey.pulse_features import PulseFeatures


def features_of(indices, silent=()):
    """Pulses that sound exactly like these chords (0-11 major, 12-23 minor)."""
    treble = chords.TEMPLATES[np.asarray(indices)].copy()
    bass = np.eye(12, dtype=np.float32)[np.asarray(indices) % 12]
    treble[list(silent)] = bass[list(silent)] = 0.0
    rest = np.zeros(len(indices))
    return PulseFeatures(rest, rest, rest, rest, bass, treble, np.zeros((len(indices), 3), np.float32), 0.0)


def test_chords_are_named_where_they_change():
    indices = [21] * 8 + [5] * 4 + [10] * 4  # A minor for a bar, F and Bb for half a bar each; eighths
    found, clear = find_chords(
        np.arange(17) * 0.25, features_of([*indices, 10]), Bars("4/4", 2, 8, 0, 1.0, 1.0), Key(5, "major")
    )
    assert [(chord.name, chord.time) for chord in found] == [("Am", 0.0), ("F", 2.0), ("Bb", 3.0)]
    assert clear > 0.8


def test_silence_has_no_chord():
    pulses = np.arange(16) * 0.25
    features = features_of([0] * 16, silent=range(8))
    found, _ = find_chords(pulses, features, Bars("4/4", 2, 8, 0, 1.0, 1.0), Key(0, "major"))
    assert [(chord.name, chord.time) for chord in found] == [("N.C.", 0.0), ("C", 2.0)]


def test_beats_that_would_cross_bar_lines_are_split():
    pulses = np.arange(28) * 0.2
    found, _ = find_chords(
        pulses, features_of([0] * 7 + [7] * 7 + [0] * 14), Bars("7/8", 2, 7, 0, 1.0, 1.0), Key(0, "major")
    )
    assert [round(chord.time / 0.2) for chord in found] == [0, 7, 14]
    assert find_chords(pulses[:1], features_of([0]), Bars("4/4", 2, 8, 0, 1.0, 1.0), Key(0, "major")) == (
        (),
        0.0,
    )
