"""Voice leading: chord tones only, in range, and little movement."""

from __future__ import annotations

import itertools

import pytest

from model.sketch.band.harmony import FUNCTIONS, Chord, chord_of
from model.sketch.band.key_finding import SCALES, SongKey
from model.sketch.band.voicing import (
    BASS_LOW,
    all_voicings,
    bass_note,
    bass_pitch,
    chord_classes,
    lead_voices,
    power_chord,
)

KEY = SongKey(0, "major")
CHORDS = {function.name: chord_of(function, KEY) for function in FUNCTIONS["major"]}
PROGRESSION = [CHORDS[name] for name in ("I", "V", "vi", "IV", "I", "ii", "V", "I")]


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("centre", [57.0, 63.0, 69.0])
def test_voices_move_little_and_stay_in_range(color, centre):
    classes = [chord_classes(chord, KEY, color) for chord in PROGRESSION]
    voicings = lead_voices(classes, 52, 74, centre)
    for voicing, wanted in zip(voicings, classes, strict=True):
        assert {pitch % 12 for pitch in voicing} == set(wanted)
        assert min(voicing) >= 52
        assert max(voicing) <= 74
        assert list(voicing) == sorted(voicing)
    for one, other in itertools.pairwise(voicings):
        assert sum(abs(a - b) for a, b in zip(one, other, strict=True)) <= 9
    assert abs(sum(voicings[0]) / 3 - centre) < 6


def test_a_higher_centre_gives_other_voicings():
    classes = [chord.tones for chord in PROGRESSION]
    assert lead_voices(classes, 52, 74, 58.0) != lead_voices(classes, 52, 74, 66.0)


@pytest.mark.parametrize("low", [43, 52, 55])
def test_every_chord_of_every_key_can_be_voiced(low):
    for mode in SCALES:
        for tonic in range(12):
            key = SongKey(tonic, mode)
            for function in FUNCTIONS[mode]:
                for color in (False, True):
                    assert all_voicings(chord_classes(chord_of(function, key), key, color), low, low + 19)


def test_power_chords_are_root_fifth_octave():
    assert power_chord(Chord(4, "m", "i"), 43) == (52, 59, 64)
    assert power_chord(Chord(7, "", "V"), 43) == (43, 50, 55)


def test_the_bass_stays_low_and_walks_into_the_next_root():
    assert bass_pitch(4) == BASS_LOW == 28
    for chord in PROGRESSION:
        for following in PROGRESSION:
            for degree in "R58A":
                assert BASS_LOW - 3 <= bass_note(degree, chord, following, KEY) <= BASS_LOW + 24
    step = bass_note("A", CHORDS["I"], CHORDS["IV"], KEY)
    assert abs(step - bass_pitch(5)) in (1, 2)
    assert step % 12 in KEY.scale
