"""Chords of a mix: its own, in time, at its tuning, also outside the key."""

from __future__ import annotations

import numpy as np

from model.pace import Pace
from model.sketch.band import sung_bars
from model.sketch.band.harmony import Slots, Taste
from model.sketch.band.heard_harmony import contrast_of, harmonise_heard, hear, states_of
from model.sketch.band.key_finding import SongKey
from model.sketch.band.line_or_mix import spectrogram_of
from tests.model.sketch.songs import chord_index, make_song

PACE = Pace(lambda _: None, lambda: False)


def heard(progression, key=None, rate=22050):
    made = make_song(8, progression=progression, rate=rate, channels=1)
    bars = sung_bars.bars_between(made.grid, 0.0, made.song.frames / rate)
    plan = sung_bars.slots_of(bars)
    found = hear(spectrogram_of(made.song, PACE), made.grid, plan, key, PACE)
    opens = np.array([first == bars[bar].first_beat for bar, first, _ in plan])
    slots = Slots(np.zeros((len(plan), 12)), np.array([bar for bar, _, _ in plan]), opens)
    chords = harmonise_heard(slots, found.key.key, found.evidence, Taste())
    return found, [chord.root + 12 * (chord.quality == "m") for chord in chords]


def test_a_mix_keeps_its_own_chords():
    progression = ("Am", "F", "Eb", "G")  # Eb is in none of the others' keys
    found, chords = heard(progression)
    assert chords == [chord_index(name) for name in progression * 2 for _ in range(2)]
    assert found.contrast > 0.4
    assert abs(found.tuning) < 0.05


def test_a_given_key_is_kept():
    found, chords = heard(("C", "G", "Am", "F"), SongKey(9, "minor"))
    assert (found.key.key, found.key.confidence) == (SongKey(9, "minor"), 1.0)
    assert chords[:2] == [chord_index("C")] * 2


def test_every_triad_is_possible_once():
    states = states_of(SongKey(0, "major"))
    assert len({(chord.root, chord.quality) for chord in states}) == len(states) == 24


def test_noise_has_no_contrast():
    noise = np.random.default_rng(0).random((50, 12)).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    triads = np.zeros((4, 12), np.float32)
    triads[:, [0, 4, 7]] = 1 / np.sqrt(3)
    assert contrast_of(noise) < 0.25 < 0.4 < contrast_of(triads)
    assert contrast_of(np.zeros((3, 12), np.float32)) == 0.0
