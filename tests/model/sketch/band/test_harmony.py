"""The harmoniser: chords of the key, sensible under known melodies, close to what people play under folk songs."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.band import melody, sung_bars
from model.sketch.band.harmony import (
    CADENCES,
    FUNCTIONS,
    MOVES,
    VAMPS,
    Slots,
    Taste,
    alike,
    chart,
    chord_of,
    harmonise,
    note_probabilities,
)
from model.sketch.band.key_finding import SCALES, SongKey, find_key, parse_key
from model.sketch.band.melody import HOP_SECONDS, Melody
from tests.model.sketch import folk_songs
from tests.model.sketch.singing_machine import (
    beat_seconds,
    entries,
    make_grid,
    midi_pitch,
    notes_of,
    perform,
    pitch_line,
)

C_MAJOR = SongKey(0, "major")


def slots_from(rows, per_bar=1):
    """Slots of [slots][pitch classes]: what is sung there, equally long."""
    weights = np.zeros((len(rows), 12))
    for slot, classes in enumerate(rows):
        for pitch_class in classes:
            weights[slot, pitch_class] += 1.0 / len(classes)
    count = np.arange(len(rows))
    return Slots(weights, count // per_bar, count % per_bar == 0)


def test_tables_speak_of_the_same_functions():
    for mode, functions in FUNCTIONS.items():
        names = {function.name for function in functions}
        assert {name for move in MOVES[mode] for name in move.split()} <= names
        assert set(VAMPS[mode]) <= names
        assert set(CADENCES[mode]) <= names
        assert functions[0].root == 0
    assert set(FUNCTIONS) == set(MOVES) == set(VAMPS) == set(CADENCES) == set(SCALES)


def test_chord_notes_are_likelier_than_others():
    for mode, functions in FUNCTIONS.items():
        key = SongKey(5, mode)
        for function in functions:
            chord = chord_of(function, key)
            p = note_probabilities(chord, key)
            assert min(p[list(chord.tones)]) > 2 * max(np.delete(p, [*chord.tones, (chord.root + 10) % 12]))


def test_arpeggios_get_their_own_chords():
    rows = [(0, 4, 7), (5, 9, 0), (7, 11, 2), (0, 4, 7), (9, 0, 4), (5, 9, 0), (7, 11, 2), (0, 4, 7)]
    chords = harmonise(slots_from(rows), C_MAJOR, Taste())
    assert [chord.name(C_MAJOR) for chord in chords] == ["C", "F", "G", "C", "Am", "F", "G", "C"]


def test_a_leading_tone_in_minor_gets_the_dominant():
    key = SongKey(9, "minor")
    chords = harmonise(slots_from([(9, 0, 4), (8, 11, 4), (8, 2, 4), (9, 0, 4)]), key, Taste())
    assert [chord.name(key) for chord in chords] == ["Am", "E", "E", "Am"]


def test_silence_gets_a_vamp_that_comes_home():
    chords = harmonise(slots_from([()] * 9), C_MAJOR, Taste())
    names = [chord.name(C_MAJOR) for chord in chords]
    assert len(set(names)) >= 3
    assert names[0] == names[-1] == "C"


def test_alike_bars_get_the_same_chords():
    bar = [(4, 7), (9,)]
    unclear = [(4, 7), (9, 2, 9, 9)]
    slots = slots_from([*bar, (5,), (11, 2), *unclear, (0,), (0,)], per_bar=2)
    chords = harmonise(slots, C_MAJOR, Taste())
    assert chords[0:2] == chords[4:6]
    assert not alike(slots.weights[0:2], slots.weights[2:4])


def test_a_take_may_favour_other_chords():
    rows = [(0,), (4,), (9,), (0,)] * 2
    plain = harmonise(slots_from(rows), C_MAJOR, Taste())
    other = harmonise(slots_from(rows), C_MAJOR, Taste(favour={"iii": 2.4, "ii": 2.0}))
    assert plain != other


def test_the_chart_has_an_entry_per_bar():
    chords = harmonise(slots_from([(0, 4, 7), (0, 4, 7), (5, 9, 0), (7, 11, 2)], per_bar=2), C_MAJOR, Taste())
    slots = slots_from([()] * 4, per_bar=2)
    assert chart(chords, list(slots.bar), C_MAJOR) == ["C", f"F {chords[3].name(C_MAJOR)}"]


# --- Folk songs ------------------------------------------------------------------------------------------------


def line_without_audio(song, grid, seconds):
    """What a perfect pitch tracker would find in the sung song."""
    rate = 100
    line = pitch_line(notes_of(song, grid), round(seconds * rate), rate, 0.0, 3)
    assert rate * HOP_SECONDS == 1
    return Melody(line, np.isfinite(line).astype(float))


def true_chords(song):
    """[half beats], (root, quality) people play, None before the song starts."""
    chords = []
    for name, _, length in entries(song.chords):
        root = None if name == "N" else midi_pitch(name.rstrip("m") + "4") % 12
        chord = None if root is None else (root, "m" if name.endswith("m") else "")
        chords += [chord] * round(2 * length)
    return chords


def accuracy(song, line, grid, key):
    """(share of time with the usual chord, share of strong-beat notes that are chord tones)."""
    bars = sung_bars.bars_between(grid, 0.0, beat_seconds(grid, (song.melody.count("|") + 1) * song.beats))
    slots = sung_bars.sung_slots(line, melody.tuning_semitones(line), grid, bars)
    found = []
    for (_, _, beats), chord in zip(sung_bars.slots_of(bars), harmonise(slots, key, Taste()), strict=True):
        found += [chord] * (2 * beats)
    pairs = [(f, t) for f, t in zip(found, true_chords(song), strict=True) if t is not None]
    right = np.mean([(f.root, f.quality) == t for f, t in pairs])
    strong = (0,) if song.beats == 3 else (0, song.beats // 2)
    on_strong = [
        midi_pitch(name) % 12 in found[round(2 * beat)].tones
        for name, beat, _ in entries(song.melody)
        if name != "-" and beat % song.beats in strong
    ]
    return right, np.mean(on_strong)


def test_written_folk_songs_get_the_chords_people_play():
    results = []
    for song in folk_songs.ALL:
        grid = make_grid(song.melody.count("|") + 1, song.beats, song.tempo)
        end = beat_seconds(grid, (song.melody.count("|") + 1) * song.beats)
        results.append(accuracy(song, line_without_audio(song, grid, end), grid, parse_key(song.key)))
    chords, strong = np.mean(results, axis=0)
    tonic_only = np.mean(
        [
            np.mean(
                [
                    chord == (parse_key(s.key).tonic, "m" if parse_key(s.key).is_minor else "")
                    for chord in [c for c in true_chords(s) if c]
                ]
            )
            for s in folk_songs.ALL
        ]
    )
    assert chords >= 0.75
    assert chords > tonic_only + 0.15
    assert strong >= 0.85
    held_out = np.mean([right for right, _ in results[len(folk_songs.TUNED_ON) :]])
    assert held_out >= 0.7


@pytest.mark.slow
def test_sung_folk_songs_get_key_and_chords():
    """From audio: tracked, key found by ear, harmonised. The figures of the whole chain."""
    rights, strongs, keys, tunings = [], [], [], []
    for number, song in enumerate(folk_songs.ALL):
        cents = (17.0, -24.0, 8.0)[number % 3]
        sung, grid = perform(song, cents=cents, seed=number)
        line = melody.track(sung.samples, sung.rate)
        tuning = melody.tuning_semitones(line)
        tunings.append(abs(100 * tuning - cents))
        notes = sung_bars.long_notes(line, tuning)
        histogram = sung_bars.histogram(line, tuning, grid)
        keys.append(find_key(histogram, notes[0][1], notes[-1][1]).key == parse_key(song.key))
        right, strong = accuracy(song, line, grid, parse_key(song.key))
        rights.append(right)
        strongs.append(strong)
    print(
        f"chords {np.mean(rights):.3f}, strong beats {np.mean(strongs):.3f}, keys {np.mean(keys):.2f}, "
        f"tuning within {max(tunings):.1f} cents"
    )
    assert np.mean(rights) >= 0.75
    assert np.mean(strongs) >= 0.85
    assert np.mean(keys) >= 0.8
    assert max(tunings) <= 8.0
